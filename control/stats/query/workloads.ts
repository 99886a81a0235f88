import type { Labels } from "../readings.ts";

/** A running pod, meshed or not. */
export interface WorkloadPod {
  readonly namespace: string;
  readonly name: string;
  /** What it belongs to, by label: `deployment`, `k8s_job` … */
  readonly owners: Labels;
  readonly isMeshed: boolean;
  /** Its ServiceAccount, where that is known. */
  readonly account?: string;
}

/** Kinds of workloads by Kubernetes' name, and the label that a proxy's metrics have for each. */
export const WORKLOAD_LABELS: Readonly<Record<string, string>> = {
  cronjob: "cronjob",
  daemonset: "daemonset",
  deployment: "deployment",
  job: "k8s_job",
  namespace: "namespace",
  pod: "pod",
  replicaset: "replicaset",
  replicationcontroller: "replicationcontroller",
  statefulset: "statefulset",
};

/** The label of a kind that somebody asks about; undefined: proxies know nothing of it. */
export function labelOfKind(kind: string): string | undefined {
  return Object.hasOwn(WORKLOAD_LABELS, kind)
    ? WORKLOAD_LABELS[kind]
    : undefined;
}

/** A workload, with how many of its pods run and are meshed. */
export interface Workload {
  readonly namespace: string;
  readonly name: string;
  readonly meshed: number;
  readonly running: number;
}

/** The workloads of a kind, by namespace and name. */
export function workloadsOf(
  label: string,
  pods: Iterable<WorkloadPod>,
): readonly Workload[] {
  const found = new Map<
    string,
    Workload & { meshed: number; running: number }
  >();
  for (const pod of pods) {
    const name = nameIn(pod, label);
    if (name === "") continue;
    const key = `${pod.namespace}/${name}`;
    let workload = found.get(key);
    if (workload === undefined) {
      workload = { namespace: pod.namespace, name, meshed: 0, running: 0 };
      found.set(key, workload);
    }
    workload.running++;
    if (pod.isMeshed) workload.meshed++;
  }
  return [...found.values()].sort((a, b) =>
    compare(a.namespace, b.namespace) || compare(a.name, b.name)
  );
}

/** What a pod belongs to, by label; "" when to nothing of that kind. */
export function nameIn(pod: WorkloadPod, label: string): string {
  if (label === "namespace") return pod.namespace;
  return label === "pod" ? pod.name : pod.owners[label] ?? "";
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
