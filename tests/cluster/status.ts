import { apiUrl } from "./components.ts";
import type { Access } from "./kubectl.ts";
import type { Layout } from "./layout.ts";
import { isAlive } from "./process.ts";
import { CONTROLLED, holds, READY } from "./ready.ts";
import { type ClusterRecord, readRecord } from "./record.ts";

/** What a whole cluster runs, in the order of its start. */
export const DAEMONS = [
  "etcd",
  "kube-apiserver",
  "kube-controller-manager",
] as const;

/** How to talk to the cluster of a record. */
export function accessOf(layout: Layout, record: ClusterRecord): Access {
  return {
    server: apiUrl(record.ports),
    kubeconfig: layout.kubeconfig,
    kubectl: `${record.programs}/kubectl`,
  };
}

/** What keeps a cluster from being used, in a few words; null when it runs and answers. */
export async function findFault(
  layout: Layout,
  record: ClusterRecord,
): Promise<string | null> {
  const alive = record.daemons.filter(isAlive).map(({ name }) => name);
  const gone = DAEMONS.filter((name) => !alive.includes(name));
  if (gone.length > 0) return `${gone.join(", ")} not running`;
  const access = accessOf(layout, record);
  for (const question of [READY, CONTROLLED]) {
    if (!await holds(access, question)) return `no answer of ${question.what}`;
  }
  return null;
}

/** The state of a cluster for a person, and whether it can be used. */
export async function describeStatus(
  layout: Layout,
): Promise<{ readonly text: string; readonly usable: boolean }> {
  const record = readRecord(layout.record);
  if (record === null) return { text: "no cluster is up", usable: false };
  const fault = await findFault(layout, record);
  const rows = [
    ["Kubernetes", `${record.version}, ${fault ?? "ready"}`],
    ["server", apiUrl(record.ports)],
    ["kubeconfig", layout.kubeconfig],
    ["kubectl", `${record.programs}/kubectl`],
    ["logs", layout.logs],
    ...record.daemons.map((daemon) => [
      daemon.name,
      isAlive(daemon) ? `process ${daemon.pid}` : "not running",
    ]),
  ];
  const width = Math.max(...rows.map(([name = ""]) => name.length));
  return {
    text: rows.map(([name = "", value]) => `${name.padEnd(width)}  ${value}`)
      .join("\n"),
    usable: fault === null,
  };
}
