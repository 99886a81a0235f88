import { apiUrl } from "./components.ts";
import type { Layout } from "./layout.ts";
import { inside } from "./node/namespaces.ts";
import { isAlive } from "./process.ts";
import {
  CONTROLLED,
  holds,
  NAMES_RESOLVE,
  NODE_READY,
  READY,
} from "./ready.ts";
import { type ClusterRecord, readRecord } from "./record.ts";
import { accessOf } from "./starter.ts";

/** What an API server that is alone consists of. */
export const API_DAEMONS = [
  "etcd",
  "kube-apiserver",
  "kube-controller-manager",
] as const;
/** What a node consists of besides. */
const NODE_DAEMONS = [
  "node",
  "containerd",
  "kube-scheduler",
  "kubelet",
  "kube-proxy",
] as const;

/** What keeps a cluster from being used, in a few words; null when it runs and answers. */
export async function findFault(
  layout: Layout,
  record: ClusterRecord,
): Promise<string | null> {
  const alive = record.daemons.filter(isAlive).map(({ name }) => name);
  const isAlone = record.link === undefined;
  const gone = [...API_DAEMONS, ...isAlone ? [] : NODE_DAEMONS]
    .filter((name) => !alive.includes(name));
  if (gone.length > 0) return `${gone.join(", ")} not running`;
  const access = accessOf(layout, record);
  const questions = [
    ...[READY, CONTROLLED],
    ...isAlone ? [] : [NODE_READY, NAMES_RESOLVE],
  ];
  for (const question of questions) {
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
    ["server", apiUrl(record)],
    ["kubeconfig", layout.kubeconfig],
    ["kubectl", `${record.programs}/kubectl`],
    ["logs", layout.logs],
    ...record.daemons.filter(({ name }) => name === "node")
      .map((node) => ["enter", [...inside(node), "bash"].join(" ")]),
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
