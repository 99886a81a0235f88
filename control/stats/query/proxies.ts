import type { ProxyRow } from "../../../schemas/stats.ts";
import type { Readings } from "../readings.ts";
import type { Target } from "./target.ts";
import type { WorkloadPod } from "./workloads.ts";

/** What every proxy says of itself, whatever it has to do. */
const ALWAYS = "process_start_time_seconds";

/** Meshed pods of a namespace, or of all, and whether metrics of their proxies came in lately. */
export async function readProxies(
  { namespace }: Pick<Target, "namespace">,
  readings: Readings,
  pods: () => Iterable<WorkloadPod>,
): Promise<readonly ProxyRow[]> {
  const readingsNow = await readings.latest({
    metric: ALWAYS,
    labels: namespace === null
      ? []
      : [{ label: "namespace", is: "=", value: namespace }],
  }, ["namespace", "pod"]);
  const seen = new Set(
    readingsNow.map(({ labels }) => `${labels["namespace"]}/${labels["pod"]}`),
  );
  return [...pods()].filter((pod) =>
    pod.isMeshed && (namespace === null || pod.namespace === namespace)
  ).map(({ namespace, name }) => ({
    namespace,
    name,
    hasMetrics: seen.has(`${namespace}/${name}`),
  }));
}
