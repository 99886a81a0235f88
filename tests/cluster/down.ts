import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import type { Layout } from "./layout.ts";
import { exclusively } from "./lock.ts";
import { end } from "./process.ts";
import { readRecord } from "./record.ts";

/** Ends the cluster of `layout`, whole or not, and removes its files; returns false when there was none. */
export async function down(
  layout: Layout,
  say: (line: string) => void,
): Promise<boolean> {
  return await exclusively(layout.home, say, async () => {
    if (!existsSync(layout.home)) return false;
    await clear(layout);
    return true;
  });
}

/** Ends what the record names and removes all files; does nothing when there are none. */
export async function clear(layout: Layout): Promise<void> {
  await end(readRecord(layout.record)?.daemons ?? []);
  await rm(layout.home, { recursive: true, force: true });
}
