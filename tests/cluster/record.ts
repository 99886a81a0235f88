import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Link } from "./node/addresses.ts";
import type { Daemon } from "./process.ts";

/** Ports of the control plane, on loopback of this machine or of the node. */
export interface Ports {
  readonly etcd: number;
  readonly etcdPeer: number;
  readonly api: number;
}

/** What a cluster consists of: enough to use it, and to end it after its starter crashed. */
export interface ClusterRecord {
  /** Of Kubernetes, such as `v1.34.4`. */
  readonly version: string;
  /** The folder of the programs it runs. */
  readonly programs: string;
  readonly ports: Ports;
  /** The folder of what the node brings along in images; missing when there is no node. */
  readonly guests?: string;
  /** How this machine reaches the node; missing when there is none. */
  readonly link?: Link;
  /** In the order of their start; those that were to follow are missing when the start was cut short. */
  readonly daemons: readonly Daemon[];
}

/** Null when no cluster was started. */
export function readRecord(path: string): ClusterRecord | null {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as ClusterRecord;
  } catch (error) {
    if ((error as { code?: unknown }).code === "ENOENT") return null;
    throw error;
  }
}

/** Whole or not at all, and before this returns: a process must be known as soon as it runs. */
export function writeRecord(path: string, record: ClusterRecord): void {
  const home = dirname(path);
  mkdirSync(home, { recursive: true });
  // Beside the folder: one that has files has a record.
  const draft = `${home}.draft`;
  writeFileSync(draft, JSON.stringify(record, null, 2));
  renameSync(draft, path);
}
