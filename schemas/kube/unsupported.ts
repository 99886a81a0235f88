import { groupOf } from "./parents.ts";

/**
 * Objects that restrict or route traffic and that this version does not enforce. To skip one in silence would leave
 * open what its author believes shut, so each is refused. Of Linkerd's own groups everything we do not read is meant.
 */
export function isUnsupported(apiVersion: string, kind: string): boolean {
  const group = groupOf(apiVersion);
  if (LINKERD_GROUPS.has(group)) return true;
  return group === "gateway.networking.k8s.io" && GATEWAY_ROUTES.has(kind);
}

const LINKERD_GROUPS: ReadonlySet<string> = new Set([
  "linkerd.io", // what came after ServiceProfile
  "policy.linkerd.io", // EgressNetwork, and versions that came after this one
  "workload.linkerd.io", // what came after ExternalWorkload
  "multicluster.linkerd.io", // Link
]);

/** HTTPRoutes and GRPCRoutes are read in the versions that we know. */
const GATEWAY_ROUTES: ReadonlySet<string> = new Set([
  "HTTPRoute",
  "GRPCRoute",
  "TLSRoute",
  "TCPRoute",
]);
