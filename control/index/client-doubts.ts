import type {
  EgressNetwork,
  OutboundRoute,
  ParentRef,
  Service,
  ServiceImport,
} from "../../schemas/kube.ts";
import { attachmentOf, resolutionOf } from "./attachment.ts";
import { mistakesOfParent } from "./client-traffic.ts";
import { idOf } from "./keys.ts";
import type { State } from "./state.ts";

/** Sentences about a route for clients that is not in force, where no object that may yet come can change it. */
export function doubtsAboutRoute(route: OutboundRoute, state: State): string[] {
  return (route.spec.parentRefs ?? []).flatMap((parent) => {
    const found = attachmentOf(route, parent, state);
    return found.kind !== "detached" || found.reason === "NoMatchingParent"
      ? []
      : [`${notInForce(route, parent)}: ${found.message}`];
  });
}

/** Sentences about what a route refers to and is not there; it may come in the very next batch. */
export function absencesOf(route: OutboundRoute, state: State): string[] {
  return (route.spec.parentRefs ?? []).flatMap((parent) => {
    const found = attachmentOf(route, parent, state);
    if (found.kind === "detached") {
      return found.reason === "NoMatchingParent"
        ? [`${notInForce(route, parent)}: ${found.message}`]
        : [];
    }
    const { kind, metadata } = route;
    const refs = resolutionOf(route, parent, state);
    return refs.kind === "resolved" ? [] : [
      `${kind} ${idOf(metadata)} refuses what it cannot send: ${refs.message}`,
    ];
  });
}

function notInForce(
  { kind, metadata }: OutboundRoute,
  parent: ParentRef,
): string {
  return `${kind} ${
    idOf(metadata)
  } is not in force on ${parent.kind} ${parent.name}`;
}

/** Sentences about annotations that say how an object is called and cannot be meant: none of their group holds. */
export function doubtsAboutParent(
  { kind, metadata }: Service | ServiceImport | EgressNetwork,
): string[] {
  return mistakesOfParent(metadata).map(({ message }) =>
    `${kind} ${
      idOf({ namespace: metadata.namespace, name: metadata.name })
    }: ${message}; the annotations around it have no effect`
  );
}
