import {
  type Category,
  type Check,
  failed,
  PASSED,
  SKIPPED,
  type Verdict,
} from "../check.ts";
import type { KubeItem } from "../objects.ts";
import {
  CLUSTER_ROLE_BINDINGS,
  CLUSTER_ROLES,
  CONFIG_MAPS,
  DAEMON_SETS,
  type Resource,
  SERVICE_ACCOUNTS,
} from "../resources.ts";
import type { Scene } from "../scene.ts";

const PLUGIN = "linkerd-cni";

/** Where a CNI plugin redirects traffic, it must be there before any pod is meshed. */
export const LINKERD_CNI: Category = {
  name: "linkerd-cni-plugin",
  checks: [
    exists("ConfigMap", "cm", CONFIG_MAPS, "linkerd-cni-config", "namespaced"),
    exists("ClusterRole", "cr", CLUSTER_ROLES, PLUGIN, "cluster"),
    exists(
      "ClusterRoleBinding",
      "crb",
      CLUSTER_ROLE_BINDINGS,
      PLUGIN,
      "cluster",
    ),
    exists("ServiceAccount", "sa", SERVICE_ACCOUNTS, PLUGIN, "namespaced"),
    exists("DaemonSet", "ds", DAEMON_SETS, PLUGIN, "namespaced"),
    {
      description: "cni plugin pod is running on all nodes",
      anchor: "cni-plugin-ready",
      severity: "fatal",
      retry: "aloud",
      run: whereEnabled(async ({ get, settings: { cniNamespace } }) => {
        const set = await get(DAEMON_SETS, PLUGIN, cniNamespace);
        const { numberReady = 0, desiredNumberScheduled = 0 } = set?.status ??
          {};
        return numberReady === desiredNumberScheduled ? PASSED : failed(
          `number ready: ${numberReady}, number scheduled: ${desiredNumberScheduled}`,
        );
      }),
    },
  ],
};

function exists(
  kind: string,
  short: string,
  resource: Resource<KubeItem>,
  name: string,
  scope: "cluster" | "namespaced",
): Check {
  return {
    description: `cni plugin ${kind} exists`,
    anchor: `cni-plugin-${short}-exists`,
    severity: "fatal",
    run: whereEnabled(async ({ get, settings: { cniNamespace } }) => {
      const place = scope === "namespaced" ? [cniNamespace] : [];
      return await get(resource, name, ...place) === undefined
        ? failed(`missing ${kind}: ${name}`)
        : PASSED;
    }),
  };
}

/** Before an install a flag says whether there is to be a plugin, after it the values do. */
function whereEnabled(run: Check["run"]): Check["run"] {
  return async (scene: Scene): Promise<Verdict> =>
    scene.settings.cniEnabled ?? (await scene.config()).cniEnabled
      ? await run(scene)
      : SKIPPED;
}
