import type { ParentRef, Route } from "../kube.ts";
import type { FieldPath } from "./field-problem.ts";

/** What a route hangs on decides whose it is; groups and kinds are compared without case, as Linkerd does. */
type Parent = Pick<ParentRef, "group" | "kind">;

/** Whether a parent is a Server (policy.linkerd.io). */
export function isServer({ group, kind }: Parent, apiVersion: string): boolean {
  const groupOfServer = group ?? groupOf(apiVersion);
  return same(kind, "Server") && same(groupOfServer, "policy.linkerd.io");
}

/** The first parent that makes a route one for clients: a Service or an EgressNetwork; null when there is none. */
export function outboundParent(
  parents: readonly Parent[],
  apiVersion: string,
): FieldPath | null {
  const at = parents.findIndex(({ group, kind }) =>
    same(kind, "Service")
      ? group === undefined || group === "" || same(group, "core")
      : same(kind, "EgressNetwork") &&
        same(group ?? groupOf(apiVersion), "policy.linkerd.io")
  );
  return at < 0 ? null : ["spec", "parentRefs", at];
}

/** The names of the Servers that a route hangs on: of its own namespace, as others may not say what is denied there. */
export function serversOfRoute(
  { apiVersion, metadata, spec }: Route,
): string[] {
  const names = (spec.parentRefs ?? []).flatMap((parent) =>
    isServer(parent, apiVersion) &&
      (parent.namespace ?? metadata.namespace) === metadata.namespace
      ? [parent.name]
      : []
  );
  return [...new Set(names)];
}

/** The group of `group/version`; empty for the core group. */
export function groupOf(apiVersion: string): string {
  return apiVersion.includes("/") ? apiVersion.split("/")[0] ?? "" : "";
}

function same(text: string | undefined, word: string): boolean {
  return text?.toLowerCase() === word.toLowerCase();
}
