import { readFile } from "node:fs/promises";

/** Memory of a process in MB (10^6 bytes, as its page tables say): resident, and what it alone has written to. */
export interface Memory {
  readonly rssMb: number;
  readonly privateDirtyMb: number;
}

/** Reads /proc/<pid>/smaps_rollup. */
export async function readMemory(pid: number): Promise<Memory> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, "utf8");
  const read = (field: string): number => {
    const kib = Number(
      new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(text)?.[1],
    );
    return Math.round(kib * 1024 / 1e5) / 10;
  };
  return { rssMb: read("Rss"), privateDirtyMb: read("Private_Dirty") };
}
