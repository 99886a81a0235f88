import type { StatRow } from "../../schemas/stats.ts";
import { isMap } from "../../schemas/values/merge.ts";
import type { KubeObject } from "../cluster/list.ts";
import type { Objects } from "./objects.ts";
import { POLICY_KINDS, type Resource } from "./resource.ts";

/** Rows without a request for policies of the cluster that are asked about and that nothing came by. */
export function idlePolicies(
  asked: readonly Resource[],
  rows: readonly StatRow[],
  objects: Objects | null,
): readonly StatRow[] {
  const isSeen = new Set(rows.map(keyOf));
  return (objects?.all ?? []).filter((one) =>
    POLICY_KINDS.has(one.kind) && !isSeen.has(keyOf(one)) &&
    asked.some(({ kind, name }) =>
      kind === one.kind && (name === undefined || name === one.name)
    )
  ).flatMap(({ kind, namespace, name, object }): StatRow[] => {
    const row = { kind, namespace, name, pods: null, golden: null, tcp: null };
    const none = { server: null, allowed: 0, denied: 0 };
    if (kind !== "httproute") return [{ ...row, policy: none }];
    // Routes of Services are for clients: nothing comes in by them.
    return serversOf(object).map((server) => ({
      ...row,
      policy: { ...none, server },
    }));
  });
}

function keyOf(
  { kind, namespace, name }: Pick<StatRow, "kind" | "namespace" | "name">,
): string {
  return `${kind}/${namespace}/${name}`;
}

/** Servers that a route is attached to. */
function serversOf({ spec }: KubeObject): readonly string[] {
  const parents = isMap(spec) && Array.isArray(spec["parentRefs"])
    ? spec["parentRefs"]
    : [];
  return parents.filter((ref) => isMap(ref) && ref["kind"] === "Server")
    .map((ref) => String(ref["name"]));
}
