import { apiUrl } from "./components.ts";
import type { Access } from "./kubectl.ts";
import type { Layout } from "./layout.ts";
import { type Daemon, start, startThrough } from "./process.ts";
import { type Question, waitUntil } from "./ready.ts";
import { type ClusterRecord, writeRecord } from "./record.ts";

/** What starts the processes of one cluster, and writes down each as soon as it runs. */
export interface Starter {
  /** Starts a process; `entrance` is a command line that becomes it. */
  start(
    name: string,
    argv: readonly string[],
    entrance?: readonly string[],
  ): Daemon;
  /** Starts a process whose entrance stays its parent. */
  startThrough(
    name: string,
    argv: readonly string[],
    entrance: readonly string[],
  ): Promise<Daemon>;
  /** Waits until it is so, as long as all processes run. */
  wait(question: Question): Promise<void>;
  readonly access: Access;
  record(): ClusterRecord;
}

/** Starts from a record without processes, whose folder of logs exists. */
export function createStarter(
  layout: Layout,
  empty: ClusterRecord,
  say: (line: string) => void,
): Starter {
  const access = accessOf(layout, empty);
  const alive: { daemon: Daemon; log: string }[] = [];
  let record = empty;
  const logOf = (name: string) => `${layout.logs}/${name}.log`;
  const add = (daemon: Daemon) => {
    record = { ...record, daemons: [...record.daemons, daemon] };
    writeRecord(layout.record, record);
    alive.push({ daemon, log: logOf(daemon.name) });
    return daemon;
  };
  return {
    start: (name, argv, entrance = []) =>
      add(start(name, [...entrance, ...argv], logOf(name))),
    startThrough: async (name, argv, entrance) =>
      add(await startThrough(entrance, name, argv, logOf(name))),
    wait: (question) => waitUntil(access, question, alive, say),
    access,
    record: () => record,
  };
}

/** How to talk to the cluster of a record. */
export function accessOf(layout: Layout, record: ClusterRecord): Access {
  return {
    server: apiUrl(record),
    kubeconfig: layout.kubeconfig,
    kubectl: `${record.programs}/kubectl`,
  };
}
