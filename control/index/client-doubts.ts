import type {
  EgressNetwork,
  OutboundRoute,
  Service,
  ServiceImport,
} from "../../schemas/kube.ts";
import { attachmentOf } from "./attachment.ts";
import { mistakesOfParent } from "./client-traffic.ts";
import type { State } from "./fold.ts";
import { idOf } from "./keys.ts";

/** Sentences about a route for clients that is not in force, where no object that may yet come can change it. */
export function doubtsAboutRoute(route: OutboundRoute, state: State): string[] {
  return (route.spec.parentRefs ?? []).flatMap((parent) => {
    const found = attachmentOf(route, parent, state);
    if (found.kind !== "detached" || found.reason === "NoMatchingParent") {
      return [];
    }
    const { kind, metadata } = route;
    const id = idOf(metadata);
    return [
      `${kind} ${id} is not in force on ${parent.kind} ${parent.name}: ${found.message}`,
    ];
  });
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
