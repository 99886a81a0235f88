import type {
  EgressNetwork,
  OutboundRoute,
  ReferenceGrant,
  ServiceImport,
} from "../../schemas/kube.ts";
import {
  type OutboundParentKind,
  parentKindOf,
} from "../../schemas/kube/parents.ts";
import { type Addressed, createAddressed } from "./addressed.ts";
import { referentOf } from "./backends.ts";
import { idOf } from "./keys.ts";
import { createMultimap, type Multimap } from "./multimap.ts";
import { createNamed, type Named } from "./named.ts";
import { routeKey } from "./policies.ts";
import { importIps } from "./services.ts";

/** An object that routes for clients hang on. */
export interface OutboundParent {
  readonly kind: OutboundParentKind;
  /** `namespace/name`. */
  readonly id: string;
}

/** What says how clients call, arranged by what it is about. */
export interface Outbound {
  readonly routes: Named<OutboundRoute>;
  readonly imports: Addressed<ServiceImport>;
  readonly egress: Named<EgressNetwork>;
  readonly grants: Named<ReferenceGrant>;
  /** Routes by what they hang on (`objectKey`), whether it is there and takes them or not. */
  readonly routesByParent: Pick<Multimap<OutboundRoute>, "get">;
  /** Routes by what they send to (`objectKey`). */
  readonly routesByBackend: Pick<Multimap<OutboundRoute>, "get">;
  /** Routes by the namespaces other than their own into which they send. */
  readonly routesInto: Pick<Multimap<OutboundRoute>, "get">;
  /** Replaces or removes a route; gives what was known of it before. */
  readonly putRoute: (
    now: OutboundRoute,
    gone: boolean,
  ) => OutboundRoute | undefined;
}

/** Creates an empty index. */
export function createOutbound(): Outbound {
  const routes = createNamed<OutboundRoute>(routeKey);
  const imports = createAddressed(importIps);
  const egress = createNamed<EgressNetwork>();
  const grants = createNamed<ReferenceGrant>();
  const routesByParent = createMultimap<OutboundRoute>();
  const routesByBackend = createMultimap<OutboundRoute>();
  const routesInto = createMultimap<OutboundRoute>();

  function arrange(route: OutboundRoute, verb: "add" | "remove"): void {
    for (const { kind, id } of parentsOf(route)) {
      routesByParent[verb](objectKey(kind, id), route);
    }
    for (const { rules = [] } of [route.spec]) {
      for (const { backendRefs = [] } of rules) {
        for (const ref of backendRefs) {
          const { kind, namespace, name } = referentOf(ref, route);
          if (kind === null) continue;
          routesByBackend[verb](
            objectKey(kind, idOf({ namespace, name })),
            route,
          );
          if (namespace !== route.metadata.namespace) {
            routesInto[verb](namespace, route);
          }
        }
      }
    }
  }

  return {
    routes,
    imports,
    egress,
    grants,
    routesByParent,
    routesByBackend,
    routesInto,
    putRoute: (now, gone) => {
      const old = routes.put(now, gone);
      if (old !== undefined) arrange(old, "remove");
      if (!gone) arrange(now, "add");
      return old;
    },
  };
}

/** What a route hangs on, each once. */
export function parentsOf(
  { apiVersion, metadata, spec }: OutboundRoute,
): OutboundParent[] {
  const found = new Map<string, OutboundParent>();
  for (const parent of spec.parentRefs ?? []) {
    const kind = parentKindOf(parent, apiVersion);
    if (kind === null || kind === "Server") continue;
    const { name, namespace = metadata.namespace } = parent;
    const id = idOf({ namespace, name });
    found.set(objectKey(kind, id), { kind, id });
  }
  return [...found.values()];
}

/** Names an object among those of several kinds. */
export function objectKey(kind: OutboundParentKind, id: string): string {
  return `${kind} ${id}`;
}
