import type { CrdDefinition } from "../../schemas/crd/definition.ts";
import { isMap } from "../../schemas/values/merge.ts";
import type { Cluster } from "../cluster.ts";
import { getOrUndefined, type KubeObject } from "../cluster/list.ts";

/** CustomResourceDefinitions of a cluster beside those that we have. */
export interface CrdState {
  /** By name, in our order; undefined where the cluster has none. */
  readonly found: ReadonlyMap<string, KubeObject | undefined>;
  /** One sentence for each that is missing, or too old. */
  readonly wanting: readonly string[];
}

/** Reads the definitions that a cluster has of ours. */
export async function readCrds(
  cluster: Cluster,
  definitions: readonly CrdDefinition[],
): Promise<CrdState> {
  const found = new Map(
    await Promise.all(definitions.map(async (definition) => {
      const name = nameOf(definition);
      return [name, await getOrUndefined(cluster, `${PATH}/${name}`)] as const;
    })),
  );
  const wanting = definitions.flatMap((definition) => {
    const name = nameOf(definition);
    const there = found.get(name);
    const newest = definition.versions.at(-1)?.name ?? "";
    if (there === undefined) return [`CRD ${name} is missing`];
    return versionsOf(there).includes(newest)
      ? []
      : [`CRD ${name} is missing version ${newest}`];
  });
  return { found, wanting };
}

const PATH = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/** Names of the versions that a definition has. */
export function versionsOf({ spec }: KubeObject): string[] {
  const versions = isMap(spec) ? spec["versions"] : undefined;
  return (Array.isArray(versions) ? versions : []).filter(isMap)
    .map(({ name }) => String(name));
}

function nameOf({ plural, group }: CrdDefinition): string {
  return `${plural}.${group}`;
}
