import { mkdir } from "node:fs/promises";
import {
  apiServerArgs,
  apiUrl,
  controllerManagerArgs,
  etcdArgs,
} from "./components.ts";
import { writeCredentials } from "./credentials.ts";
import { clear } from "./down.ts";
import type { Access } from "./kubectl.ts";
import type { Layout } from "./layout.ts";
import { exclusively } from "./lock.ts";
import { freePort } from "./ports.ts";
import { type Daemon, start } from "./process.ts";
import { buildPrograms, type Programs } from "./programs.ts";
import { CONTROLLED, READY, waitUntil } from "./ready.ts";
import { type ClusterRecord, readRecord, writeRecord } from "./record.ts";
import { accessOf, DAEMONS, findFault } from "./status.ts";

type Say = (line: string) => void;
type DaemonName = typeof DAEMONS[number];

/** A cluster that runs and answers. */
export interface Cluster extends Access {
  /** Of Kubernetes, such as `v1.34.4`. */
  readonly version: string;
  /** False when it was up already. */
  readonly started: boolean;
}

/**
 * Makes sure that the cluster of `layout` runs and answers, and tells on the way what takes long. One that is whole
 * stays as it is; what a crash or other versions left is removed first, with its data.
 */
export async function up(layout: Layout, say: Say): Promise<Cluster> {
  const programs = await buildPrograms([...DAEMONS, "kubectl"], say);
  return await exclusively(layout.home, say, async () => {
    const found = readRecord(layout.record);
    if (found !== null) {
      const wrong = found.programs === programs.folder
        ? await findFault(layout, found)
        : `it runs ${found.version}, another build`;
      if (wrong === null) return describe(layout, found, false);
      say(`${wrong}: taking down what is left of the cluster`);
    }
    await clear(layout);
    return describe(layout, await startAll(layout, programs, say), true);
  });
}

/** A failed start leaves its logs, and its record for the next `up` or `down`. */
async function startAll(
  layout: Layout,
  { folder, version, path }: Programs,
  say: Say,
): Promise<ClusterRecord> {
  const ports = {
    etcd: freePort(Math.random),
    etcdPeer: freePort(Math.random),
    api: freePort(Math.random),
  };
  let record: ClusterRecord = { version, programs: folder, ports, daemons: [] };
  writeRecord(layout.record, record);
  await mkdir(layout.logs);
  const credentials = await writeCredentials(layout, apiUrl(ports), Date.now());
  const access = accessOf(layout, record);
  const alive: { daemon: Daemon; log: string }[] = [];
  const run = (name: DaemonName, args: readonly string[]) => {
    const log = `${layout.logs}/${name}.log`;
    const daemon = start(name, [path(name), ...args], log);
    record = { ...record, daemons: [...record.daemons, daemon] };
    writeRecord(layout.record, record);
    alive.push({ daemon, log });
  };
  say(`starting Kubernetes ${version} at ${apiUrl(ports)}`);
  run("etcd", etcdArgs(layout, ports));
  run("kube-apiserver", apiServerArgs(credentials, ports));
  await waitUntil(access, READY, alive, say);
  run("kube-controller-manager", controllerManagerArgs(credentials));
  await waitUntil(access, CONTROLLED, alive, say);
  return record;
}

function describe(
  layout: Layout,
  record: ClusterRecord,
  started: boolean,
): Cluster {
  return {
    ...accessOf(layout, record),
    version: record.version,
    started,
  };
}
