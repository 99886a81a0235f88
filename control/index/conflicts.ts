import type { OutboundRoute, ParentRef } from "../../schemas/kube.ts";
import { parentKindOf } from "../../schemas/kube/parents.ts";
import { unsupportedFilter } from "./client-filters.ts";
import { idOf } from "./keys.ts";
import { objectKey, type OutboundParent } from "./outbound.ts";
import {
  type DeclaredProtocol,
  declaredProtocol,
  isOpaqueEgress,
} from "./service-protocol.ts";
import type { State } from "./state.ts";

/** Kinds of routes by how much they know of what they route: on one port the first of those that are there holds (GEP-1426). */
const STRENGTH = ["GRPCRoute", "HTTPRoute", "TLSRoute", "TCPRoute"] as const;

/** Kinds that can be of use where this is spoken. */
const USABLE: Readonly<
  Record<DeclaredProtocol, readonly OutboundRoute["kind"][]>
> = {
  http1: ["HTTPRoute"],
  http2: ["GRPCRoute", "HTTPRoute"],
  opaque: ["TCPRoute"],
  detect: STRENGTH,
};

/**
 * A route of a stronger kind that leaves this one nothing of the parent: it covers each port on which this one could
 * be of use, for all of this one's clients. Null: there is none.
 */
export function strongerThan(
  route: OutboundRoute,
  ref: ParentRef,
  parent: OutboundParent,
  state: State,
): OutboundRoute | null {
  let stronger: OutboundRoute | null = null;
  for (const port of portsOf(ref, parent, state)) {
    const usable = USABLE[port.declared];
    if (!usable.includes(route.kind)) continue;
    const kinds = STRENGTH.slice(0, STRENGTH.indexOf(route.kind))
      .filter((kind) => usable.includes(kind));
    const found = kinds.length === 0
      ? null
      : coveringRoute(kinds, route, port, parent, state);
    if (found === null) return null;
    stronger ??= found;
  }
  return stronger;
}

interface Port {
  readonly port: number;
  readonly name: string | undefined;
  readonly declared: DeclaredProtocol;
}

/** The ports of a parent that a reference means. */
function portsOf(
  ref: ParentRef,
  { kind, id }: OutboundParent,
  state: State,
): Port[] {
  if (kind === "EgressNetwork") {
    const network = state.outbound.egress.byId.get(id);
    const { port } = ref;
    if (network === undefined || port === undefined) return [];
    const isOpaque = isOpaqueEgress(network.metadata, port, state);
    const declared = isOpaque ? "opaque" : "detect";
    return [{ port, name: undefined, declared }];
  }
  const object = kind === "Service"
    ? state.services.byId.get(id)
    : state.outbound.imports.byId.get(id);
  return (object?.spec.ports ?? [])
    .filter(({ name, port }) => means(ref, port, name))
    .map(({ name, port }) => ({
      port,
      name,
      declared: declaredProtocol(object, port, state),
    }));
}

function coveringRoute(
  kinds: readonly string[],
  { metadata }: OutboundRoute,
  { port, name }: Port,
  { kind, id }: OutboundParent,
  { outbound }: State,
): OutboundRoute | null {
  const [owner = ""] = id.split("/");
  for (const other of outbound.routesByParent.get(objectKey(kind, id))) {
    const { namespace } = other.metadata;
    if (!kinds.includes(other.kind)) continue;
    if (namespace !== owner && namespace !== metadata.namespace) continue;
    if ("isUnreadable" in other && other.isUnreadable) continue;
    if (unsupportedFilter(other) !== null) continue;
    const covers = (other.spec.parentRefs ?? []).some((ref) =>
      parentKindOf(ref, other.apiVersion) === kind &&
      idOf({ namespace: ref.namespace ?? namespace, name: ref.name }) === id &&
      means(ref, port, name)
    );
    if (covers) return other;
  }
  return null;
}

/** Whether a reference to a parent is to this port of it as well. */
export function means(
  { port, sectionName }: Pick<ParentRef, "port" | "sectionName">,
  number: number,
  name: string | undefined,
): boolean {
  return (port === undefined || port === number) &&
    (sectionName === undefined || sectionName === name);
}
