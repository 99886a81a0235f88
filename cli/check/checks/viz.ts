import { LABELS } from "../../../schemas/names.ts";
import { describe } from "../../../schemas/problem.ts";
import { GROUP_VERSION, TAP_GROUP, VIZ_GROUP } from "../../../schemas/tap.ts";
import {
  type Category,
  type Check,
  failed,
  PASSED,
  passedUnless,
  SKIPPED,
  type Verdict,
} from "../check.ts";
import { askProxies } from "../metrics.ts";
import {
  API_SERVICES,
  CLUSTER_ROLE_BINDINGS,
  CLUSTER_ROLES,
  DEPLOYMENTS,
  type KubeItem,
  NAMESPACES,
  type Pod,
  PODS,
  type Resource,
} from "../objects.ts";
import { areContainersReady, isOver, proxyOf, statusOf } from "../pods.ts";
import { matchCli, type Pick, upToDate, whetherHealthy } from "../proxies.ts";
import type { Scene } from "../scene.ts";
import {
  readServerPem,
  toServed,
  whetherBelieved,
  whetherLasting,
} from "../served.ts";
import { EXTENSION_LABEL } from "./extension-namespaces.ts";
import { controlNamespaceExists } from "./namespaces.ts";

/** The Deployment, Service and ServiceAccount of the metrics component. */
export const METRICS = "linkerd-metrics";
const COMPONENT = "metrics";

/** Names of APIServices: what the metrics component answers behind the API server. */
const SERVED = [TAP_GROUP, VIZ_GROUP].map((group) =>
  `${GROUP_VERSION}.${group}`
);

const ofMetrics: Pick = ({ list, settings: { namespace } }) =>
  list(PODS, {
    namespace,
    labels: `${LABELS.controlPlaneComponent}=${COMPONENT}`,
  });

/** Metrics and taps. In Linkerd they are an extension, whose words for all this are kept; here they are one more component. */
export const LINKERD_VIZ: Category = {
  name: "linkerd-viz",
  checks: [
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
    {
      description: "tap API server has valid cert",
      anchor: "l5d-tap-cert-valid",
      severity: "fatal",
      run: (scene) => firstFailure(scene, whetherBelievedBy),
    },
    {
      description: "tap API server cert is valid for at least 60 days",
      anchor: "l5d-tap-cert-not-expiring-soon",
      severity: "warning",
      run: (scene) => firstFailure(scene, whetherLastingBy),
    },
    {
      description: "tap API service is running",
      anchor: "l5d-tap-api",
      severity: "warning",
      retry: "quietly",
      run: (scene) => firstFailure(scene, whetherAvailable),
    },
    {
      description: "linkerd-viz pods are injected",
      anchor: "l5d-viz-pods-injection",
      severity: "warning",
      run: async (scene) => {
        const bare = (await ofMetrics(scene)).filter((pod) =>
          !isOver(pod) && proxyOf(pod) === undefined
        ).map(({ metadata }) =>
          `could not find proxy container for ${metadata.name} pod`
        );
        return bare.length === 0 ? PASSED : failed(bare.join("\n"));
      },
    },
    {
      description: "viz extension pods are running",
      anchor: "l5d-viz-pods-running",
      severity: "warning",
      retry: "aloud",
      run: async (scene) => whetherRunning(await ofMetrics(scene)),
    },
    {
      description: "viz extension proxies are healthy",
      anchor: "l5d-viz-proxy-healthy",
      severity: "warning",
      run: async (scene) =>
        whetherHealthy(await ofMetrics(scene), scene.settings.namespace),
    },
    upToDate(
      "viz extension proxies are up-to-date",
      "l5d-viz-proxy-cp-version",
      ofMetrics,
    ),
    matchCli(
      "viz extension proxies and cli versions match",
      "l5d-viz-proxy-cli-version",
      ofMetrics,
    ),
    {
      description: "viz extension self-check",
      anchor: "l5d-viz-metrics-api",
      severity: "fatal",
      retry: "quietly",
      run: checkItself,
    },
    {
      description: "no viz extension of Linkerd is left",
      anchor: "l5d-viz-left-behind",
      severity: "warning",
      run: async ({ list }) => {
        const labels = `${EXTENSION_LABEL}=viz`;
        const names = (await list(NAMESPACES, { labels })).map((
          { metadata },
        ) => metadata.name);
        return passedUnless(
          "metrics are part of the control plane; remove the extension with: linkerd viz uninstall | kubectl delete -f -",
          names,
        );
      },
    },
  ],
};

/** The same checks where there is a metrics component to look at; other control planes need none. */
export function whereThere({ name, checks }: Category): Category {
  return {
    name,
    checks: checks.map((check) => ({
      ...check,
      run: async (scene) =>
        await scene.get(DEPLOYMENTS, METRICS, scene.settings.namespace) ===
            undefined
          ? SKIPPED
          : await check.run(scene),
    })),
  };
}

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

/** What is wrong with the first of the APIServices with which anything is. */
async function firstFailure(
  scene: Scene,
  judge: (name: string, scene: Scene) => Promise<Verdict>,
): Promise<Verdict> {
  for (const name of SERVED) {
    const verdict = await judge(name, scene);
    if (verdict.kind === "failed") return failed(`${name}: ${verdict.error}`);
  }
  return PASSED;
}

async function readServed(name: string, scene: Scene) {
  const service = await scene.get(API_SERVICES, name);
  const pem = await readServerPem(scene, [`${METRICS}-k8s-tls`]);
  return toServed(METRICS, pem, service?.spec.caBundle, name);
}

async function whetherBelievedBy(
  name: string,
  scene: Scene,
): Promise<Verdict> {
  const host = `${METRICS}.${scene.settings.namespace}.svc`;
  return whetherBelieved(await readServed(name, scene), host, scene.nowMs);
}

async function whetherLastingBy(name: string, scene: Scene): Promise<Verdict> {
  return whetherLasting(await readServed(name, scene), scene.nowMs);
}

async function whetherAvailable(
  name: string,
  { get }: Scene,
): Promise<Verdict> {
  const service = await get(API_SERVICES, name);
  const available = service?.status?.conditions?.find(({ type }) =>
    type === "Available"
  );
  if (available?.status === "True") return PASSED;
  const { reason = "Unknown", message = "nobody has looked yet" } = available ??
    {};
  return failed(`${reason}: ${message}`);
}

function whetherRunning(pods: readonly Pod[]): Verdict {
  const there = pods.filter((pod) => !isOver(pod));
  if (there.length === 0) {
    return failed(`Could not find pods for deployment ${METRICS}`);
  }
  const wrong = there.flatMap((pod) => {
    const { name } = pod.metadata;
    const status = statusOf(pod);
    if (status !== "Running") return [`pod "${name}" status is ${status}`];
    return areContainersReady(pod)
      ? []
      : [`pod "${name}" has containers that are not ready`];
  });
  return wrong.length === 0 ? PASSED : failed(wrong.join("\n"));
}

/** Asks what every question depends on: the pods that the component knows, and the metrics of one or other of them. */
async function checkItself(scene: Scene): Promise<Verdict> {
  try {
    const proxies = await askProxies(scene, null);
    return proxies.length === 0
      ? failed("No results returned: the component knows of no meshed pod")
      : PASSED;
  } catch (thrown) {
    const said = describe(thrown);
    return failed(
      said.includes("Prometheus")
        ? `Error calling Prometheus from the control plane: ${said}`
        : `Error asking the metrics component: ${said}`,
    );
  }
}
