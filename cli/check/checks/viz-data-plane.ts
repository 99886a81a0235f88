import {
  bullets,
  type Category,
  failed,
  failedForGood,
  PASSED,
  type Verdict,
} from "../check.ts";
import { askProxies, METRICS } from "../metrics.ts";
import type { AuthorizationPolicy, Pod } from "../objects.ts";
import { dataPlanePods, isOver, proxyOf, statusOf } from "../pods.ts";
import { AUTHORIZATION_POLICIES, DEFAULT_POLICY_ENV } from "../resources.ts";
import { type Scene, titleOf } from "../scene.ts";
import { DATA_PLANE_NAMESPACE } from "./namespaces.ts";

/** Whether metrics of applications' proxies come in, and what keeps them from it. */
export const VIZ_DATA_PLANE: Category = {
  name: "linkerd-viz-data-plane",
  checks: [
    DATA_PLANE_NAMESPACE,
    {
      description: "prometheus is authorized to scrape data plane pods",
      anchor: "l5d-viz-data-plane-prom-authz",
      severity: "warning",
      run: tellShut,
    },
    {
      description: "data plane proxy metrics are present in Prometheus",
      anchor: "l5d-data-plane-prom",
      severity: "warning",
      retry: "quietly",
      run: findSilent,
    },
  ],
};

async function tellShut(scene: Scene): Promise<Verdict> {
  const { dataPlaneNamespace } = scene.settings;
  const found = (await findShut(scene)).map((pod) =>
    titleIn(pod, dataPlaneNamespace)
  );
  return found.length === 0 ? PASSED : failed(
    `prometheus may not be authorized to scrape the following pods:\n${
      bullets(found)
    }\nconsider running \`linkerd viz allow-scrapes\` to authorize prometheus scrapes`,
  );
}

/** Pods that let in nobody by default, where no policy lets in the component. */
async function findShut(scene: Scene): Promise<readonly Pod[]> {
  const { list, settings: { dataPlaneNamespace, namespace } } = scene;
  const shut = (await dataPlanePods(scene)).filter((pod) =>
    !isOver(pod) && defaultPolicyOf(pod) === "deny"
  );
  if (shut.length === 0) return [];
  const policies = await list(AUTHORIZATION_POLICIES, {
    namespace: dataPlaneNamespace,
  });
  const open = new Set(
    policies.filter((policy) => letsIn(policy, namespace))
      .map(({ metadata }) => metadata.namespace),
  );
  return shut.filter(({ metadata }) => !open.has(metadata.namespace));
}

function defaultPolicyOf(pod: Pod): string | undefined {
  return proxyOf(pod)?.env?.find(({ name }) => name === DEFAULT_POLICY_ENV)
    ?.value;
}

/** Whether a policy asks for the account of the component and nothing else. */
function letsIn(
  { metadata, spec }: AuthorizationPolicy,
  controlPlane: string,
): boolean {
  const [only, ...more] = spec.requiredAuthenticationRefs;
  return more.length === 0 && only?.kind === "ServiceAccount" &&
    only.name === METRICS &&
    (only.namespace ?? metadata.namespace) === controlPlane;
}

async function findSilent(scene: Scene): Promise<Verdict> {
  const { dataPlaneNamespace } = scene.settings;
  const pods = (await dataPlanePods(scene)).filter((pod) =>
    !isOver(pod) && statusOf(pod) === "Running"
  );
  const rows = await askProxies(scene, dataPlaneNamespace ?? null);
  const heard = new Set(
    rows.filter(({ hasMetrics }) => hasMetrics)
      .map(({ namespace, name }) => `${namespace}/${name}`),
  );
  const silent = pods.map(titleOf).filter((title) => !heard.has(title));
  if (silent.length === 0) return PASSED;
  const more = silent.length - SHOWN;
  const error = `Data plane metrics not found for ${
    silent.slice(0, SHOWN).join(", ")
  }${more > 0 ? ` and ${more} more` : ""}.`;
  // Where nobody is let in, waiting is in vain.
  const shut = new Set((await findShut(scene)).map(titleOf));
  return silent.every((title) => shut.has(title))
    ? failedForGood(error)
    : failed(error);
}

/** More names than this say no more. */
const SHOWN = 30;

function titleIn(pod: Pod, namespace: string | undefined): string {
  return namespace === undefined ? titleOf(pod) : pod.metadata.name;
}
