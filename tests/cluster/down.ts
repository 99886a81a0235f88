import { readdir, rm, rmdir } from "node:fs/promises";
import { basename } from "node:path";
import { Problem } from "../../schemas/problem.ts";
import type { Layout } from "./layout.ts";
import { exclusively } from "./lock.ts";
import { removeCgroups } from "./node/cgroups.ts";
import { nodeId, unplug } from "./node/namespaces.ts";
import { end } from "./process.ts";
import { readRecord } from "./record.ts";

/** Ends the cluster of `layout`, whole or not, and removes its files; returns false when there was none. */
export async function down(
  layout: Layout,
  say: (line: string) => void,
): Promise<boolean> {
  return await exclusively(layout.home, say, () => clear(layout));
}

/**
 * Ends what the record names and removes all files; returns false when there was nothing. The record goes last, so that
 * a removal that was cut short can go on; a folder that has files but no record is not ours to remove.
 */
export async function clear(layout: Layout): Promise<boolean> {
  const { home, record } = layout;
  const files = await list(home);
  if (files === null) return false;
  const found = readRecord(record);
  if (found === null && files.length > 0) {
    throw new Problem(
      "config.invalid",
      `Cannot use "${home}": it has files that are not a cluster's, ` +
        "expected an empty folder or none",
    );
  }
  await end(found?.daemons ?? []);
  await unplug(layout);
  await removeCgroups(nodeId(layout));
  for (const file of files.filter((name) => name !== basename(record))) {
    await rm(`${home}/${file}`, { recursive: true, force: true });
  }
  await rm(record, { force: true });
  await rmdir(home);
  return true;
}

/** Null when there is no such folder. */
async function list(folder: string): Promise<string[] | null> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as { code?: unknown }).code === "ENOENT") return null;
    throw error;
  }
}
