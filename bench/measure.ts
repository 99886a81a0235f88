import { readFile } from "node:fs/promises";
import type { Cost } from "./result.ts";

/** Milliseconds of a clock tick in /proc: Linux has shown 100 per second to user space on every architecture since 2.6. */
const TICK_MS = 10;

/** CPU time that the processes have used so far, all threads, in milliseconds. */
export async function readCpuMs(pids: readonly number[]): Promise<number> {
  const times = await Promise.all(pids.map(async (pid) => {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    // proc_pid_stat(5): utime and stime are fields 14 and 15, counted behind the name, which may hold spaces.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return Number(fields[11]) + Number(fields[12]);
  }));
  return times.reduce((sum, ticks) => sum + ticks, 0) * TICK_MS;
}

/** Memory of the largest of the processes, as megabytes of 1,048,576 bytes. */
export async function readMemory(
  pids: readonly number[],
): Promise<Pick<Cost, "rssMb" | "privateDirtyMb">> {
  const each = await Promise.all(pids.map(async (pid) => {
    const text = await readFile(`/proc/${pid}/smaps_rollup`, "utf8");
    const megabytes = (name: string): number =>
      Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1]) / 1024;
    return {
      rssMb: megabytes("Rss"),
      privateDirtyMb: megabytes("Private_Dirty"),
    };
  }));
  return {
    rssMb: Math.max(...each.map(({ rssMb }) => rssMb)),
    privateDirtyMb: Math.max(...each.map((one) => one.privateDirtyMb)),
  };
}
