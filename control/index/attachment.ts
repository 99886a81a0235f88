import type { OutboundRoute, ParentRef } from "../../schemas/kube.ts";
import { formatPath } from "../../schemas/kube/field-problem.ts";
import {
  type OutboundParentKind,
  parentKindOf,
} from "../../schemas/kube/parents.ts";
import { judgeBackend, type RefusalReason } from "./backends.ts";
import { unsupportedFilter } from "./client-filters.ts";
import { isAccepted } from "./egress.ts";
import { idOf } from "./keys.ts";
import { strongerThan } from "./conflicts.ts";
import type { OutboundParent } from "./outbound.ts";
import type { State } from "./state.ts";

/** Gateway API's reasons, and Linkerd's, why the condition Accepted is false. */
export type DetachedReason =
  | "NoMatchingParent"
  | "RouteReasonConflicted"
  | "UnsupportedValue";

/** Whether a route is in force on a parent. */
export type Attachment =
  | { readonly kind: "attached" }
  /** The parent is nothing of the mesh: it is for another controller to judge. */
  | { readonly kind: "foreign" }
  | {
    readonly kind: "detached";
    readonly reason: DetachedReason;
    readonly message: string;
  };

/** Whether all that a route sends to can be reached from a parent. */
export type Resolution =
  | { readonly kind: "resolved" }
  | {
    readonly kind: "unresolved";
    readonly reason: RefusalReason;
    readonly message: string;
  };

const ATTACHED = { kind: "attached" } as const;

/**
 * Whether a route is in force on one of its parents: that there is such a parent, of which it can say something that a
 * proxy can do, and that no route of a stronger kind covers it there. Judged from the objects alone; nobody needs to
 * have written it into the route's status first.
 */
export function attachmentOf(
  route: OutboundRoute,
  parent: ParentRef,
  state: State,
): Attachment {
  const kind = parentKindOf(parent, route.apiVersion);
  if (kind === null) return { kind: "foreign" };
  const { name, namespace = route.metadata.namespace } = parent;
  const id = idOf({ namespace, name });
  if (kind === "Server") {
    return namespace === route.metadata.namespace && state.servers.byId.has(id)
      ? ATTACHED
      : detached("NoMatchingParent", `There is no Server ${id}`);
  }
  const found = obstacleOf(route, parent, { kind, id }, state);
  if (found !== null) return found;
  const stronger = strongerThan(route, parent, { kind, id }, state);
  return stronger === null ? ATTACHED : detached(
    "RouteReasonConflicted",
    `${stronger.kind} ${
      idOf(stronger.metadata)
    } hangs on the same ports of ${kind} ${id}, and its kind comes first`,
  );
}

/** What keeps a route from a parent, whatever other routes there are; null: nothing. */
export function obstacleOf(
  route: OutboundRoute,
  parent: ParentRef,
  { kind, id }: OutboundParent,
  state: State,
): Attachment | null {
  return findParent(kind, id, parent, state) ?? isCarried(route);
}

/** Whether all of a route's backends can be reached from a parent; the first that cannot is named. */
export function resolutionOf(
  route: OutboundRoute,
  parent: ParentRef,
  state: State,
): Resolution {
  const kind = parentKindOf(parent, route.apiVersion);
  if (kind === null || kind === "Server") return { kind: "resolved" };
  const { name, namespace = route.metadata.namespace } = parent;
  for (const { backendRefs = [] } of route.spec.rules ?? []) {
    for (const ref of backendRefs) {
      const from = { kind, namespace, name };
      const verdict = judgeBackend(ref, route, from, state);
      if (verdict.kind === "resolved") continue;
      const { reason, message } = verdict;
      return { kind: "unresolved", reason, message };
    }
  }
  return { kind: "resolved" };
}

/** Why there is no such parent; null when there is. */
function findParent(
  kind: OutboundParentKind,
  id: string,
  { port, sectionName }: ParentRef,
  { services, outbound, settings }: State,
): Attachment | null {
  const none = (why: string) => detached("NoMatchingParent", why);
  if (kind === "EgressNetwork") {
    const network = outbound.egress.byId.get(id);
    if (network === undefined) return none(`There is no EgressNetwork ${id}`);
    return isAccepted(network, settings)
      ? null
      : none(`EgressNetwork ${id} overlaps with the cluster's networks`);
  }
  const object = kind === "Service"
    ? services.byId.get(id)
    : outbound.imports.byId.get(id);
  if (object === undefined) return none(`There is no ${kind} ${id}`);
  if (object.kind === "Service") {
    const { type, clusterIP } = object.spec;
    if (type === "ExternalName" || clusterIP === "None") {
      return none(`Service ${id} has no address that clients call`);
    }
  }
  const ports = object.spec.ports ?? [];
  const isThere = ports.some((one) =>
    (port === undefined || one.port === port) &&
    (sectionName === undefined || one.name === sectionName)
  );
  if (isThere || (port ?? sectionName) === undefined) return null;
  const wanted = [
    ...port === undefined ? [] : [`number ${port}`],
    ...sectionName === undefined ? [] : [`name ${sectionName}`],
  ];
  return none(`${kind} ${id} has no port of ${wanted.join(" and ")}`);
}

function isCarried(route: OutboundRoute): Attachment | null {
  const at = unsupportedFilter(route);
  return at === null ? null : detached(
    "UnsupportedValue",
    `${formatPath(at.path)}: the filter ${at.type} is not supported`,
  );
}

/** Of such a route only what denies is known. */
export function isUnreadable(route: OutboundRoute): boolean {
  return "isUnreadable" in route && route.isUnreadable === true;
}

function detached(reason: DetachedReason, message: string): Attachment {
  return { kind: "detached", reason, message };
}
