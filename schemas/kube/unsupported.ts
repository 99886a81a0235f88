import { groupOf } from "./parents.ts";

/**
 * Objects that restrict or route traffic and that this version does not enforce. To skip one in silence would leave
 * open what its author believes shut, so each is refused. Of Linkerd's own groups everything we do not read is meant;
 * of Gateway API the routes of the mesh are read in the versions that we know.
 */
export function isUnsupported(apiVersion: string): boolean {
  return LINKERD_GROUPS.has(groupOf(apiVersion));
}

const LINKERD_GROUPS: ReadonlySet<string> = new Set([
  "linkerd.io", // what came after ServiceProfile
  "policy.linkerd.io", // versions that came after this one
  "workload.linkerd.io", // what came after ExternalWorkload
  "multicluster.linkerd.io", // Link
]);
