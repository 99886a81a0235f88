import { LABELS } from "../../schemas/names.ts";
import { EXTENSION_LABEL } from "../check/checks/extension-namespaces.ts";
import { ApiError, type Cluster } from "../cluster.ts";
import { type KubeObject, listAll } from "../cluster/list.ts";
import type { Resource } from "../stub.ts";

/** How versions of Linkerd have labelled what their viz extension is made of. */
const NAMES = ["viz", "linkerd-viz"];

/**
 * Objects that Linkerd's own viz extension left in the cluster, by kind. Metrics are part of the install here, so that
 * all of them are superfluous; but not what carries the control plane's label as well: an APIService has one name, and
 * the install has taken it over.
 */
export async function findLeftBehind(
  cluster: Cluster,
  resource: Resource,
): Promise<readonly KubeObject[]> {
  try {
    const found = await listAll(cluster, resource.path, {
      labelSelector: EXTENSION_LABEL,
    });
    return found.filter(({ metadata: { labels = {} } }) =>
      NAMES.includes(labels[EXTENSION_LABEL] ?? "") &&
      labels[LABELS.controlPlaneNamespace] === undefined
    );
  } catch (thrown) {
    // A cluster without this kind has none of it.
    if (thrown instanceof ApiError && thrown.status === 404) return [];
    throw thrown;
  }
}
