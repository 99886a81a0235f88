import type { OutboundRoute, ParentRef, Route } from "../kube.ts";

/** What a route hangs on decides whose it is; groups and kinds are compared without case, as Linkerd does. */
type Parent = Pick<ParentRef, "group" | "kind">;

/** Kinds that routes can hang on in the mesh: a Server says who may call, the others how to call. */
export type ParentKind = "Server" | OutboundParentKind;
export type OutboundParentKind = "Service" | "ServiceImport" | "EgressNetwork";

const POLICY = "policy.linkerd.io";
const GATEWAY = "gateway.networking.k8s.io";

/** Group of the multi-cluster API (KEP-1645). */
export const MULTICLUSTER = "multicluster.x-k8s.io";

/**
 * The kind of a parent; null when it is nothing of the mesh, such as a Gateway. A Service's group may be left out: the
 * API server then puts the route's own there, which has no such kind.
 */
export function parentKindOf(
  { group, kind }: Parent,
  apiVersion: string,
): ParentKind | null {
  const given = (group ?? groupOf(apiVersion)).toLowerCase();
  switch (kind?.toLowerCase()) {
    case "server":
      return given === POLICY ? "Server" : null;
    case "egressnetwork":
      return given === POLICY ? "EgressNetwork" : null;
    case "serviceimport":
      return given === MULTICLUSTER ? "ServiceImport" : null;
    case "service":
      return ["", "core", POLICY, GATEWAY].includes(given) ? "Service" : null;
    default:
      return null;
  }
}

/** Whether a parent is a Server (policy.linkerd.io). */
export function isServer(parent: Parent, apiVersion: string): boolean {
  return parentKindOf(parent, apiVersion) === "Server";
}

/** Whether a route says how clients call something. */
export function isOutbound({ apiVersion, spec }: OutboundRoute): boolean {
  return (spec.parentRefs ?? []).some((parent) => {
    const kind = parentKindOf(parent, apiVersion);
    return kind !== null && kind !== "Server";
  });
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
