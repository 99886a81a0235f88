// The cgroups of a node: a folder of its own in every hierarchy that this machine has, be they of version 1 or 2. The
// kubelet makes those of pods below it.
import { readdirSync } from "node:fs";
import { mkdir, readFile, rmdir } from "node:fs/promises";
import { waitFor } from "../../../demo/bed/wait.ts";

/** Makes the cgroup that all pods of a node are in. */
export async function makeCgroups(id: string): Promise<void> {
  for (const hierarchy of await hierarchies()) {
    await mkdir(`${hierarchy}/${id}`, { recursive: true });
  }
}

/** Removes it with all below, once what ran in it has ended. */
export async function removeCgroups(id: string): Promise<void> {
  for (const hierarchy of await hierarchies()) {
    const root = `${hierarchy}/${id}`;
    await waitFor(async () => await removeTree(root) ? true : null, {
      what: () => `the end of what runs in ${root}`,
    });
  }
}

/** Leaves first; false when something still runs in one. */
async function removeTree(folder: string): Promise<boolean> {
  for (const child of childrenOf(folder)) {
    if (!await removeTree(`${folder}/${child}`)) return false;
  }
  try {
    await rmdir(folder);
    return true;
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code === "ENOENT") return true;
    if (code === "EBUSY" || code === "ENOTEMPTY") return false;
    throw error;
  }
}

function childrenOf(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch (error) {
    if ((error as { code?: unknown }).code === "ENOENT") return [];
    throw error;
  }
}

/** Where the hierarchies of cgroups are mounted. */
async function hierarchies(): Promise<string[]> {
  const mounts = await readFile("/proc/mounts", "utf8");
  const folders = mounts.split("\n").map((line) => line.split(" "))
    .filter(([, , type]) => type === "cgroup" || type === "cgroup2")
    .flatMap(([, folder]) => folder ?? []);
  return [...new Set(folders)];
}
