import { readdirSync, readFileSync } from "node:fs";
import type { Metrics, Sample } from "../metrics.ts";

/** USER_HZ, the unit of /proc times: 100 on every Linux that Bun runs on. */
const TICKS_PER_SECOND = 100;

/** The `process_*` metrics that every Prometheus client exports, from /proc. */
export function addProcessMetrics(metrics: Metrics): void {
  const startedAt = Date.now() / 1_000 - process.uptime();
  metrics.read(
    "counter",
    "process_cpu_seconds_total",
    "Total user and system CPU time spent in seconds.",
    [],
    () => {
      const stat = readStat();
      return one((Number(stat[11]) + Number(stat[12])) / TICKS_PER_SECOND);
    },
  );
  const gauges: readonly [string, string, () => number][] = [
    [
      "process_resident_memory_bytes",
      "Resident memory size in bytes.",
      () => process.memoryUsage.rss(),
    ],
    [
      "process_virtual_memory_bytes",
      "Virtual memory size in bytes.",
      () => Number(readStat()[20]),
    ],
    [
      "process_open_fds",
      "Number of open file descriptors.",
      () => readdirSync("/proc/self/fd").length,
    ],
    ["process_max_fds", "Maximum number of open file descriptors.", readMaxFds],
    [
      "process_start_time_seconds",
      "Start time of the process since unix epoch in seconds.",
      () => startedAt,
    ],
  ];
  for (const [name, help, value] of gauges) {
    metrics.read("gauge", name, help, [], () => one(value()));
  }
}

function one(value: number): readonly Sample[] {
  return [{ labels: [], value }];
}

/** Fields of /proc/self/stat from the third on; the second, the name in parentheses, may hold spaces. */
function readStat(): readonly string[] {
  const text = readFileSync("/proc/self/stat", "latin1");
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
}

function readMaxFds(): number {
  const limits = readFileSync("/proc/self/limits", "latin1");
  const soft = /^Max open files\s+(\S+)/m.exec(limits)?.[1];
  return soft === undefined || soft === "unlimited" ? Infinity : Number(soft);
}
