import { LABELS } from "../../../schemas/names.ts";
import { describe } from "../../../schemas/problem.ts";
import {
  type Category,
  failed,
  PASSED,
  passedUnless,
  type Verdict,
} from "../check.ts";
import { askProxies, METRICS } from "../metrics.ts";
import type { Pod } from "../objects.ts";
import { areContainersReady, isOver, proxyOf, statusOf } from "../pods.ts";
import { matchCli, type Pick, upToDate, whetherHealthy } from "../proxies.ts";
import { NAMESPACES, PODS } from "../resources.ts";
import type { Scene } from "../scene.ts";
import { EXTENSION_LABEL } from "./extension-namespaces.ts";
import { VIZ_API } from "./viz-api.ts";
import { VIZ_EXISTENCE } from "./viz-existence.ts";

const ofMetrics: Pick = ({ list, settings: { namespace } }) =>
  list(PODS, {
    namespace,
    labels: `${LABELS.controlPlaneComponent}=metrics`,
  });

/** Metrics and taps. In Linkerd they are an extension, whose words for all this are kept; here they are one more component. */
export const LINKERD_VIZ: Category = {
  name: "linkerd-viz",
  checks: [
    ...VIZ_EXISTENCE,
    ...VIZ_API,
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
