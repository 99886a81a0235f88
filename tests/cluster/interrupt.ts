import { readFileSync } from "node:fs";
import type { Layout } from "./layout.ts";
import { onNetwork } from "./node/namespaces.ts";
import { type Daemon, end, start } from "./process.ts";
import { type ClusterRecord, readRecord, writeRecord } from "./record.ts";

/** What a cluster can be without for a while: the rest runs on, as the parts of a real one would. */
export type Interruptible =
  | "etcd"
  | "kube-apiserver"
  | "kube-controller-manager"
  | "kube-scheduler";

/** Kills a program of a cluster; what is returned starts it again as it was, on the same data. */
export async function interrupt(
  layout: Layout,
  name: Interruptible,
): Promise<() => void> {
  const daemon = find(layout, name);
  const argv = readFileSync(`/proc/${daemon.pid}/cmdline`, "utf8")
    .split("\0").slice(0, -1);
  await end([daemon]);
  return () => {
    const record = recordOf(layout);
    const entrance = record.link === undefined
      ? []
      : onNetwork(find(layout, "node"));
    const log = `${layout.logs}/${name}.log`;
    const again = start(name, [...entrance, ...argv], log);
    const daemons = record.daemons
      .map((each) => each.name === name ? again : each);
    writeRecord(layout.record, { ...record, daemons });
  };
}

function find(layout: Layout, name: string): Daemon {
  const daemon = recordOf(layout).daemons.find((each) => each.name === name);
  if (daemon === undefined) {
    throw new TypeError(`Cannot find ${name} in ${layout.home}`);
  }
  return daemon;
}

function recordOf({ home, record }: Layout): ClusterRecord {
  const found = readRecord(record);
  if (found === null) throw new TypeError(`Cannot find a cluster in ${home}`);
  return found;
}
