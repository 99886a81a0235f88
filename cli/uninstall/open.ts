import { isMap } from "../../schemas/values/merge.ts";
import type { Cluster } from "../cluster.ts";
import { type KubeObject, listAll } from "../cluster/list.ts";

/** No object has it: the API server looks, and has nothing to send. */
const NOBODY = "metadata.name=none";

/**
 * Asks for the objects of each of these CustomResourceDefinitions, so that deleting them takes a moment. An API server
 * that nobody has asked for a kind opens its storage when the kind is deleted, fails meanwhile, and may try again only
 * after five minutes (docs/decisions/0124). Whatever is answered: this is for speed alone.
 */
export async function openKinds(
  cluster: Cluster,
  definitions: readonly KubeObject[],
): Promise<void> {
  await Promise.all(
    definitions.flatMap(pathsOf).map((path) =>
      listAll(cluster, path, { fieldSelector: NOBODY }).catch(() => [])
    ),
  );
}

/** Where a kind's objects are listed in the version that is stored: it is the one that is opened to delete them. */
function pathsOf({ spec }: KubeObject): string[] {
  if (!isMap(spec) || !isMap(spec["names"])) return [];
  const { group, names: { plural }, versions } = spec;
  if (!Array.isArray(versions)) return [];
  return versions.filter((version) => version.storage === true)
    .map(({ name }) => `/apis/${group}/${name}/${plural}`);
}
