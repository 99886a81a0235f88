import { type Check, failed, PASSED, type Verdict } from "../check.ts";
import { NAMESPACES } from "../resources.ts";
import type { Scene } from "../scene.ts";

/** Whether the control plane's namespace is there; what it is to be called differs by category. */
export function controlNamespaceExists(
  description: string,
  anchor: string,
): Check {
  return {
    description,
    anchor,
    severity: "fatal",
    run: (scene) => whetherThere(scene, scene.settings.namespace),
  };
}

/** Whether the namespace that `--namespace` names is there, if it names one. */
export const DATA_PLANE_NAMESPACE: Check = {
  description: "data plane namespace exists",
  anchor: "l5d-data-plane-exists",
  severity: "fatal",
  run: (scene) => whetherThere(scene, scene.settings.dataPlaneNamespace),
};

async function whetherThere(
  { get }: Scene,
  namespace: string | undefined,
): Promise<Verdict> {
  const isThere = namespace === undefined ||
    await get(NAMESPACES, namespace) !== undefined;
  return isThere
    ? PASSED
    : failed(`The "${namespace}" namespace does not exist`);
}
