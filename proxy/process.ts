import { readdirSync, readFileSync } from "node:fs";
import type { Registry } from "./record.ts";
import { formatLabels } from "./record/labels.ts";

/** What was built, for `proxy_build_info`. */
export interface Build {
  readonly version: string;
  readonly gitSha: string;
  readonly date: string;
  readonly profile: string;
  readonly vendor: string;
}

/** Declares `process_*` and `proxy_build_info`; figures are read when the page is asked for. */
export function recordProcess(registry: Registry, build: Build): void {
  const gauge = (name: string, help: string) =>
    registry.gauge(`process_${name}`, help).with("");
  const counter = (name: string, help: string) =>
    registry.counter(`process_${name}_total`, help).with("");

  registry.gauge("proxy_build_info", "What this proxy was built from").with(
    formatLabels([
      ["date", build.date],
      ["git_sha", build.gitSha],
      ["profile", build.profile],
      ["vendor", build.vendor],
      ["version", build.version],
    ]),
  ).value = 1;

  const started = gauge(
    "start_time_seconds",
    "When the process started, in Unix seconds",
  );
  started.value = Math.floor(Date.now() / 1_000 - process.uptime());
  const uptime = counter("uptime_seconds", "Time since the process started");
  const cpu = counter("cpu_seconds", "CPU time used, user and system");
  const virtual = gauge("virtual_memory_bytes", "Address space");
  const resident = gauge("resident_memory_bytes", "Memory in RAM");
  const openFds = gauge("open_fds", "File descriptors open");
  const maxFds = gauge("max_fds", "File descriptors allowed");
  const threads = gauge("threads", "Threads of the process");
  const received = counter(
    "network_receive_bytes",
    "Bytes received by all of the network namespace",
  );
  const sent = counter(
    "network_transmit_bytes",
    "Bytes sent by all of the network namespace",
  );

  registry.beforeScrape(() => {
    const used = process.cpuUsage();
    cpu.value = (used.user + used.system) / 1_000_000;
    uptime.value = process.uptime();
    const status = readFileSync("/proc/self/status", "latin1");
    virtual.value = statusNumber(status, "VmSize") * 1_024;
    resident.value = statusNumber(status, "VmRSS") * 1_024;
    threads.value = statusNumber(status, "Threads");
    openFds.value = readdirSync("/proc/self/fd").length;
    maxFds.value = openFilesLimit(readFileSync("/proc/self/limits", "latin1"));
    const net = octets(readFileSync("/proc/self/net/netstat", "latin1"));
    received.value = net.received;
    sent.value = net.sent;
  });
}

/** A figure of `/proc/self/status`, in the unit printed there; 0 when absent. */
export function statusNumber(text: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0);
}

/** The soft limit of open files in `/proc/self/limits`; Infinity when there is none. */
export function openFilesLimit(text: string): number {
  const soft = /^Max open files\s+(\S+)/m.exec(text)?.[1];
  return soft === "unlimited" ? Infinity : Number(soft ?? 0);
}

/** Bytes in and out of `/proc/self/net/netstat`, whose lines come in pairs of names and values. */
export function octets(
  text: string,
): { readonly received: number; readonly sent: number } {
  const [names = [], values = []] = text.split("\n")
    .filter((line) => line.startsWith("IpExt:"))
    .map((line) => line.split(" "));
  const value = (name: string) => Number(values[names.indexOf(name)] ?? 0);
  return { received: value("InOctets"), sent: value("OutOctets") };
}
