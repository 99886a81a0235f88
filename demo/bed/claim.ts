import {
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  writeFile,
} from "node:fs/promises";
import { BEDS, createLayout, type Layout, MOUNT } from "./layout.ts";
import { system } from "./system.ts";

const PREFIX = "l5d-";

/** A process, told apart from a later one with the same number by when it started (ticks since boot). */
interface Owner {
  readonly pid: number;
  readonly startTicks: string;
}

/** Makes the folders of a new bed owned by this process; the owner is recorded before anything else exists. */
export async function claim(name: string, suffix: string): Promise<Layout> {
  const layout = createLayout(`${PREFIX}${name}-${suffix}`);
  await mkdir(MOUNT, { recursive: true });
  const draft = `${BEDS}/.${layout.id}`;
  await mkdir(draft);
  const startTicks = await readStartTicks(process.pid);
  const owner: Owner = { pid: process.pid, startTicks: startTicks ?? "" };
  await writeFile(`${draft}/owner.json`, JSON.stringify(owner));
  await rename(draft, layout.home);
  const { manifests, trust, pods, hosts } = layout;
  await Promise.all([manifests, trust, pods, hosts].map((path) => mkdir(path)));
  return layout;
}

/** Removes what beds left behind whose owner is gone; returns their ids. Live beds are not touched. */
export async function reapStale(): Promise<string[]> {
  // In this order: a bed has its folder before its first namespace and until after its last.
  const namespaces = await list("/run/netns");
  const folders = await list(BEDS);
  const ids = [
    ...folders,
    ...namespaces.map((name) => name.split(".")[0] ?? ""),
  ]
    .filter((id) => id.startsWith(PREFIX));
  const stale: string[] = [];
  for (const id of new Set(ids)) {
    if (await isOwned(id)) continue;
    await demolish(id);
    stale.push(id);
  }
  return stale;
}

/** Ends every process in the bed's namespaces and removes namespaces and files. Safe to repeat. */
export async function demolish(id: string): Promise<void> {
  const namespaces = (await list("/run/netns"))
    .filter((name) => name.startsWith(`${id}.`));
  await Promise.all(namespaces.map(evacuate));
  await Promise.all(namespaces.map((name) => discard(name)));
  await rm(`${BEDS}/${id}`, { recursive: true, force: true });
}

/** Kills what runs in a network namespace of ours: only what a bed started can be there. */
export async function evacuate(namespace: string): Promise<void> {
  const pids = await system(["ip", "netns", "pids", namespace]).catch(() => "");
  for (const pid of pids.split("\n").filter((text) => text !== "")) {
    try {
      process.kill(Number(pid), "SIGKILL");
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }
}

/** Deletes a network namespace and its files in /etc/netns. */
export async function discard(namespace: string): Promise<void> {
  await system(["ip", "netns", "del", namespace]).catch(async (error) => {
    // Another run may be reaping the same bed.
    if ((await list("/run/netns")).includes(namespace)) throw error;
  });
  await rm(`/etc/netns/${namespace}`, { recursive: true, force: true });
}

async function isOwned(id: string): Promise<boolean> {
  const text = await readFile(`${BEDS}/${id}/owner.json`, "utf8")
    .catch(() => null);
  if (text === null) return false;
  const owner = JSON.parse(text) as Owner;
  return await readStartTicks(owner.pid) === owner.startTicks;
}

/** Field 22 of proc_pid_stat(5), counted behind the command's name, which may hold spaces; null when there is none. */
async function readStartTicks(pid: number): Promise<string | null> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => null);
  if (stat === null) return null;
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? null;
}

async function list(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

function isGone(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return code === "ENOENT" || code === "ESRCH";
}
