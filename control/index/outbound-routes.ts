import type { OutboundRoute, ParentRef } from "../../schemas/kube.ts";
import { parentKindOf } from "../../schemas/kube/parents.ts";
import { attachmentOf, isUnreadable } from "./attachment.ts";
import type { SendingParent } from "./backends.ts";
import type { State } from "./fold.ts";
import { idOf } from "./keys.ts";
import { compare, oldestFirst } from "./named.ts";
import { objectKey } from "./outbound.ts";
import { routeKey } from "./policies.ts";

/** A port of something that routes hang on, as some client calls it. */
export interface CalledPort {
  readonly parent: SendingParent;
  readonly port: number;
  readonly portName: string | undefined;
  /** Null: nobody's. */
  readonly clientNamespace: string | null;
}

/**
 * The routes in force for clients of a namespace: those of the parent's own namespace for all clients, and besides them
 * those of the clients' own. The oldest first, then the first by name.
 */
export function clientRoutesOf(
  called: CalledPort,
  state: State,
): OutboundRoute[] {
  const { parent, clientNamespace } = called;
  const key = objectKey(parent.kind, idOf(parent));
  const found = [...state.outbound.routesByParent.get(key)].filter((route) => {
    const { namespace } = route.metadata;
    const isFor = namespace === parent.namespace ||
      namespace === clientNamespace;
    return isFor && !isUnreadable(route) &&
      (route.spec.parentRefs ?? []).some((ref) =>
        isOf(ref, route, called) &&
        attachmentOf(route, ref, state).kind === "attached"
      );
  });
  return oldestFirst(
    found.sort((a, b) => compare(routeKey(a), routeKey(b))),
  );
}

/** Whether a route's parent is this port. */
function isOf(
  { name, namespace, port, sectionName, ...kind }: ParentRef,
  { apiVersion, metadata }: OutboundRoute,
  called: CalledPort,
): boolean {
  const { parent } = called;
  return parentKindOf(kind, apiVersion) === parent.kind &&
    name === parent.name &&
    (namespace ?? metadata.namespace) === parent.namespace &&
    (port === undefined || port === called.port) &&
    (sectionName === undefined || sectionName === called.portName);
}
