import type { OutboundRoute } from "../../schemas/kube.ts";
import {
  groupOf,
  MULTICLUSTER,
  type OutboundParentKind,
} from "../../schemas/kube/parents.ts";
import type { ObjectName } from "../views.ts";
import { idOf } from "./keys.ts";
import type { State } from "./state.ts";

export type BackendRef = NonNullable<
  NonNullable<OutboundRoute["spec"]["rules"]>[number]["backendRefs"]
>[number];

/** The object that a backendRef means. */
export interface Referent {
  /** Null: of a kind that requests cannot be sent to. */
  readonly kind: OutboundParentKind | null;
  readonly group: string;
  readonly namespace: string;
  readonly name: string;
}

/** Gateway API's reasons why the condition ResolvedRefs is false. */
export type RefusalReason =
  | "BackendNotFound"
  | "InvalidKind"
  | "RefNotPermitted";

/** Whether requests can be sent to what a backendRef means, or why not. */
export type BackendVerdict =
  | {
    readonly kind: "resolved";
    readonly backend: OutboundParentKind;
    readonly port: number;
  }
  | {
    readonly kind: "refused";
    readonly reason: RefusalReason;
    /** For the log, the route's status and the answer to the request. */
    readonly message: string;
  };

const POLICY = "policy.linkerd.io";

/** What a backendRef means: a Service of the route's namespace where it does not say otherwise. */
export function referentOf(
  { group = "", kind = "Service", name, namespace }: BackendRef,
  { metadata }: OutboundRoute,
): Referent {
  return {
    kind: kindOf(group.toLowerCase(), kind.toLowerCase()),
    group: kind.toLowerCase() === "service" && group === "" ? "core" : group,
    namespace: namespace ?? metadata.namespace,
    name,
  };
}

function kindOf(group: string, kind: string): OutboundParentKind | null {
  switch (kind) {
    case "service":
      return group === "" || group === "core" ? "Service" : null;
    case "serviceimport":
      return group === MULTICLUSTER ? "ServiceImport" : null;
    case "egressnetwork":
      return group === POLICY ? "EgressNetwork" : null;
    default:
      return null;
  }
}

/** What a route hangs on, as far as it matters to where it may send. */
export interface SendingParent {
  readonly kind: OutboundParentKind;
  readonly namespace: string;
  readonly name: string;
}

/**
 * Whether a route that hangs on the parent may send to a backend. An EgressNetwork is where the request was going
 * anyway, so it is one only for its own routes; the parent itself needs no grant, as clients may call it without any
 * route; nor do backends of Linkerd's own HTTPRoutes, which know of none (docs/decisions/0143).
 */
export function judgeBackend(
  ref: BackendRef,
  route: OutboundRoute,
  parent: SendingParent,
  state: Pick<State, "services" | "outbound">,
): BackendVerdict {
  const referent = referentOf(ref, route);
  const { kind, namespace, name } = referent;
  if (kind === null) {
    const { group = "", kind: given = "Service" } = ref;
    return refused(
      "InvalidKind",
      `Cannot send to ${name}: a backend of kind ${given} (${group}) is not supported`,
    );
  }
  const isParent = kind === parent.kind && namespace === parent.namespace &&
    name === parent.name;
  if (kind === "EgressNetwork") {
    return isParent
      ? { kind: "resolved", backend: kind, port: ref.port ?? 0 }
      : refused(
        "InvalidKind",
        `Cannot send to EgressNetwork ${name}: the route does not hang on it`,
      );
  }
  if (!isParent && !isPermitted(referent, route, state)) {
    return refused(
      "RefNotPermitted",
      `Cannot send to ${kind} ${name} of namespace ${namespace}: no ReferenceGrant there is for ${route.kind}s of namespace ${route.metadata.namespace}`,
    );
  }
  const why = absenceOf(kind, { namespace, name }, state);
  if (why !== null) return refused("BackendNotFound", why);
  return ref.port === undefined
    ? refused("BackendNotFound", `No port is named of ${kind} ${name}`)
    : { kind: "resolved", backend: kind, port: ref.port };
}

/** Why nothing can be sent to a Service or ServiceImport; in Linkerd's words where it has some. */
function absenceOf(
  kind: "Service" | "ServiceImport",
  name: ObjectName,
  { services, outbound }: Pick<State, "services" | "outbound">,
): string | null {
  const object = kind === "ServiceImport"
    ? outbound.imports.byId.get(idOf(name))
    : services.byId.get(idOf(name));
  if (object === undefined) return `${kind} not found ${name.name}`;
  return object.spec.type === "ExternalName"
    ? `Cannot send to Service ${name.name}: of type ExternalName, it has no endpoints`
    : null;
}

function isPermitted(
  { kind, group, namespace, name }: Referent,
  { apiVersion, kind: from, metadata }: OutboundRoute,
  { outbound }: Pick<State, "outbound">,
): boolean {
  const fromGroup = groupOf(apiVersion);
  if (namespace === metadata.namespace || fromGroup === POLICY) return true;
  const toGroup = group === "core" ? "" : group;
  return [...outbound.grants.byNamespace.get(namespace)].some(({ spec }) =>
    spec.from.some((one) =>
      one.group === fromGroup && one.kind === from &&
      one.namespace === metadata.namespace
    ) &&
    spec.to.some((one) =>
      (one.group === "core" ? "" : one.group) === toGroup &&
      one.kind === kind && (one.name === undefined || one.name === name)
    )
  );
}

function refused(reason: RefusalReason, message: string): BackendVerdict {
  return { kind: "refused", reason, message };
}
