import type { Edge } from "../../../schemas/stats.ts";
import { Problem } from "../../../schemas/problem.ts";
import type { Readings } from "../readings.ts";
import type { Target } from "./target.ts";
import { labelOfKind, nameIn, type WorkloadPod } from "./workloads.ts";

/** Open connections between workloads of a kind, when either end is in the namespace; throws `request.invalid`. */
export async function readEdges(
  { kind, namespace }: Target,
  readings: Readings,
  pods: () => Iterable<WorkloadPod>,
): Promise<readonly Edge[]> {
  const label = labelOfKind(kind);
  if (label === undefined) {
    throw new Problem(
      "request.invalid",
      `Resource type is not supported: ${kind}`,
    );
  }
  const own = ["namespace", label];
  const by = [...new Set([...own, ...own.map((name) => `dst_${name}`)])];
  const connections = await readings.latest({
    metric: "tcp_open_connections",
    labels: [
      { label: "direction", is: "=", value: "outbound" },
      { label: "peer", is: "=", value: "dst" },
      { label, is: "!=", value: "" },
      { label: `dst_${label}`, is: "!=", value: "" },
    ],
  }, [...by, "server_id", "no_tls_reason"]);
  const text = ({ sourceNamespace, targetNamespace, source, target }: Edge) =>
    sourceNamespace + targetNamespace + source + target;
  const accounts = accountsOf(label, pods());
  return connections.filter(({ value }) => value > 0)
    .map(({ labels, value }): Edge => ({
      source: labels[label] ?? "",
      sourceNamespace: labels["namespace"] ?? "",
      clientId: labels["no_tls_reason"]
        ? ""
        : accounts.get(`${labels["namespace"]}/${labels[label]}`) ?? "",
      target: labels[`dst_${label}`] ?? "",
      targetNamespace: labels["dst_namespace"] ?? "",
      serverId: labels["server_id"] ?? "",
      noTlsReason: labels["no_tls_reason"] ?? "",
      connections: value,
    }))
    .filter(({ sourceNamespace, targetNamespace }) =>
      namespace === null ||
      [sourceNamespace, targetNamespace].includes(namespace)
    )
    .sort((a, b) => text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0);
}

/** Identities of workloads, by namespace and name; all pods of one have the same. */
function accountsOf(
  label: string,
  pods: Iterable<WorkloadPod>,
): ReadonlyMap<string, string> {
  const accounts = new Map<string, string>();
  for (const pod of pods) {
    if (pod.account === undefined) continue;
    const key = `${pod.namespace}/${nameIn(pod, label)}`;
    accounts.set(key, `${pod.account}.${pod.namespace}`);
  }
  return accounts;
}
