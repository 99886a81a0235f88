import { type Check, failed, PASSED, type Verdict } from "../check.ts";
import { METRICS } from "../metrics.ts";
import type { KubeItem } from "../objects.ts";
import {
  API_SERVICES,
  CLUSTER_ROLE_BINDINGS,
  CLUSTER_ROLES,
  DEPLOYMENTS,
  type Resource,
} from "../resources.ts";
import type { Scene } from "../scene.ts";
import { controlNamespaceExists } from "./namespaces.ts";
import { SERVED } from "./viz-api.ts";

/** Whether all objects of the metrics component are there. */
export const VIZ_EXISTENCE: readonly Check[] = [
  controlNamespaceExists("linkerd-viz Namespace exists", "l5d-viz-ns-exists"),
  {
    description: "can initialize the client",
    anchor: "l5d-viz-existence-client",
    severity: "fatal",
    retry: "quietly",
    run: findComponent,
  },
  exist("ClusterRole", "l5d-viz-cr-exists", CLUSTER_ROLES, (namespace) => [
    `linkerd-${namespace}-metrics`,
    `linkerd-${namespace}-metrics-view`,
    `linkerd-${namespace}-tap-admin`,
  ]),
  exist(
    "ClusterRoleBinding",
    "l5d-viz-crb-exists",
    CLUSTER_ROLE_BINDINGS,
    (namespace) => [
      `linkerd-${namespace}-metrics`,
      `linkerd-${namespace}-metrics-auth-delegator`,
    ],
  ),
];

async function findComponent(
  { get, settings: { namespace } }: Scene,
): Promise<Verdict> {
  const deployment = await get(DEPLOYMENTS, METRICS, namespace);
  if (deployment === undefined) {
    return failed(
      `deployments.apps "${METRICS}" not found in namespace "${namespace}"\nbring it with: linkerd upgrade | kubectl apply -f -`,
    );
  }
  const missing = await missingOf(get, API_SERVICES, SERVED);
  return missing.length === 0
    ? PASSED
    : failed(`missing APIServices: ${missing.join(", ")}`);
}

function exist(
  kind: string,
  anchor: string,
  resource: Resource<KubeItem>,
  wanted: (namespace: string) => readonly string[],
): Check {
  return {
    description: `linkerd-viz ${kind}s exist`,
    anchor,
    severity: "fatal",
    run: async ({ get, settings: { namespace } }) => {
      const missing = await missingOf(get, resource, wanted(namespace));
      return missing.length === 0
        ? PASSED
        : failed(`missing ${kind}s: ${missing.join(", ")}`);
    },
  };
}

async function missingOf<T>(
  get: Scene["get"],
  resource: Resource<T>,
  names: readonly string[],
): Promise<string[]> {
  const found = await Promise.all(names.map((name) => get(resource, name)));
  return names.filter((_, at) => found[at] === undefined);
}
