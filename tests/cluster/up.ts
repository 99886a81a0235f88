import { mkdir } from "node:fs/promises";
import { apiUrl } from "./components.ts";
import { startControlPlane } from "./control-plane.ts";
import { writeCredentials } from "./credentials.ts";
import { clear } from "./down.ts";
import type { Access } from "./kubectl.ts";
import type { Layout } from "./layout.ts";
import { exclusively } from "./lock.ts";
import { chooseLink } from "./node/addresses.ts";
import { makeImages } from "./node/images.ts";
import { joinCluster, startContainerd, startMachine } from "./node/start.ts";
import { freePorts, NODE_PORTS } from "./ports.ts";
import {
  buildGuests,
  buildPrograms,
  type Guest,
  type Programs,
} from "./programs.ts";
import { type ClusterRecord, readRecord, writeRecord } from "./record.ts";
import { accessOf, createStarter } from "./starter.ts";
import { API_DAEMONS, findFault } from "./status.ts";

type Say = (line: string) => void;

/** A cluster that runs and answers. */
export interface Cluster extends Access {
  /** Of Kubernetes, such as `v1.34.4`. */
  readonly version: string;
  /** False when it was up already. */
  readonly started: boolean;
}

/** Whether pods run in a cluster, or only the API server answers. */
export type Kind = "node" | "api-only";

/** All that a cluster of a kind is made of, on disk. */
interface Parts {
  readonly programs: Programs;
  readonly guests: Programs<Guest> | null;
  readonly archives: readonly string[];
}

/**
 * Makes sure that the cluster of `layout` runs and answers, and tells on the way what takes long. One that is whole
 * stays as it is; what a crash or other versions left is removed first, with its data.
 */
export async function up(
  layout: Layout,
  kind: Kind,
  say: Say,
): Promise<Cluster> {
  const parts = await makeParts(kind, say);
  return await exclusively(layout.home, say, async () => {
    const found = readRecord(layout.record);
    if (found !== null) {
      const wrong = isOf(found, parts)
        ? await findFault(layout, found)
        : `it runs ${found.version}, another build or kind`;
      if (wrong === null) return describe(layout, found, false);
      say(`${wrong}: taking down what is left of the cluster`);
    }
    await clear(layout);
    return describe(layout, await startAll(layout, parts, say), true);
  });
}

async function makeParts(kind: Kind, say: Say): Promise<Parts> {
  if (kind === "api-only") {
    const programs = await buildPrograms([...API_DAEMONS, "kubectl"], say);
    return { programs, guests: null, archives: [] };
  }
  const programs = await buildPrograms(
    [...API_DAEMONS, "kube-scheduler", "kubelet", "kube-proxy", "kubectl"],
    say,
  );
  const guests = await buildGuests(programs, say);
  return { programs, guests, archives: await makeImages(guests, say) };
}

function isOf(record: ClusterRecord, { programs, guests }: Parts): boolean {
  return record.programs === programs.folder &&
    record.guests === guests?.folder;
}

/** A failed start leaves its logs, and its record for the next `up` or `down`. */
async function startAll(
  layout: Layout,
  { programs, guests, archives }: Parts,
  say: Say,
): Promise<ClusterRecord> {
  const { version, folder } = programs;
  const link = guests === null ? undefined : await chooseLink(Math.random);
  const empty: ClusterRecord = {
    version,
    programs: folder,
    ports: link === undefined ? freePorts(Math.random) : NODE_PORTS,
    ...(link && { link }),
    ...(guests && { guests: guests.folder }),
    daemons: [],
  };
  writeRecord(layout.record, empty);
  await mkdir(layout.logs);
  const server = apiUrl(empty);
  const credentials = await writeCredentials(layout, server, Date.now());
  const starter = createStarter(layout, empty, say);
  say(`starting Kubernetes ${version} at ${server}`);
  if (guests === null || link === undefined) {
    await startControlPlane(starter, layout, programs, credentials, null);
  } else {
    const node = await startMachine(starter, layout, link, guests);
    await Promise.all([
      startControlPlane(starter, layout, programs, credentials, node),
      startContainerd(starter, layout, node, archives),
    ]);
    await joinCluster(starter, layout, link, node, programs, credentials);
  }
  return starter.record();
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
