import type { OutboundRoute, ParentRef } from "../../schemas/kube.ts";
import { parentKindOf } from "../../schemas/kube/parents.ts";
import { isUnreadable, obstacleOf } from "./attachment.ts";
import type { SendingParent } from "./backends.ts";
import { means } from "./conflicts.ts";
import { idOf } from "./keys.ts";
import { compare, oldestFirst } from "./named.ts";
import { objectKey } from "./outbound.ts";
import { routeKey } from "./policies.ts";
import type { State } from "./state.ts";

/** A port of something that routes hang on, as some client calls it. */
export interface CalledPort {
  readonly parent: SendingParent;
  readonly port: number;
  readonly portName: string | undefined;
  /** Null: nobody's. */
  readonly clientNamespace: string | null;
}

/**
 * The routes that hold for clients of a namespace: those of the parent's own namespace for all clients, and besides them
 * those of the clients' own. The oldest first, then the first by name. Which kind of them holds, what is spoken decides.
 */
export function clientRoutesOf(
  called: CalledPort,
  state: State,
): OutboundRoute[] {
  const { parent, clientNamespace } = called;
  const id = idOf(parent);
  const key = objectKey(parent.kind, id);
  const found = [...state.outbound.routesByParent.get(key)].filter((route) => {
    const { namespace } = route.metadata;
    const isFor = namespace === parent.namespace ||
      namespace === clientNamespace;
    return isFor && !isUnreadable(route) &&
      (route.spec.parentRefs ?? []).some((ref) =>
        isOf(ref, route, called) &&
        obstacleOf(route, ref, { kind: parent.kind, id }, state) === null
      );
  });
  return oldestFirst(
    found.sort((a, b) => compare(routeKey(a), routeKey(b))),
  );
}

/** Whether a route's parent is this port. */
function isOf(
  ref: ParentRef,
  { apiVersion, metadata }: OutboundRoute,
  called: CalledPort,
): boolean {
  const { parent } = called;
  const { name, namespace = metadata.namespace } = ref;
  return parentKindOf(ref, apiVersion) === parent.kind &&
    name === parent.name &&
    namespace === parent.namespace &&
    means(ref, called.port, called.portName);
}
