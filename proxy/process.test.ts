import { describe, expect, test } from "bun:test";
import {
  octets,
  openFilesLimit,
  recordProcess,
  statusNumber,
} from "./process.ts";
import { createRegistry } from "./record.ts";
import { pageOf } from "./record/testing/page.ts";

describe("recordProcess()", () => {
  test("reads the figures of this process when the page is asked for", () => {
    const registry = createRegistry({ retainIdleMs: 1 });
    recordProcess(registry, {
      version: "1.2.3",
      gitSha: "abc",
      date: "2026-08-01T00:00:00Z",
      profile: "release",
      vendor: "us",
    });
    const page = pageOf(registry, 0);
    const value = (name: string) =>
      Number(new RegExp(`^${name} (\\S+)$`, "m").exec(page)?.[1]);
    expect(page).toContain(
      `proxy_build_info{date="2026-08-01T00:00:00Z",git_sha="abc",profile="release",vendor="us",version="1.2.3"} 1\n`,
    );
    expect(value("process_resident_memory_bytes")).toBeGreaterThan(10_000_000);
    expect(value("process_virtual_memory_bytes"))
      .toBeGreaterThan(value("process_resident_memory_bytes"));
    expect(value("process_cpu_seconds_total")).toBeGreaterThan(0);
    expect(value("process_open_fds")).toBeGreaterThan(2);
    expect(value("process_max_fds")).toBeGreaterThan(2);
    expect(value("process_threads")).toBeGreaterThan(0);
    expect(Math.abs(
      value("process_start_time_seconds") +
        value("process_uptime_seconds_total") - Date.now() / 1_000,
    )).toBeLessThan(2);
    expect(value("process_network_receive_bytes_total"))
      .toBeGreaterThanOrEqual(0);
  });
});

describe("/proc", () => {
  test("status gives a figure by name, zero when it is absent", () => {
    const status = "Name:\tbun\nVmRSS:\t   29460 kB\nThreads:\t5\n";
    expect(statusNumber(status, "VmRSS")).toBe(29_460);
    expect(statusNumber(status, "Threads")).toBe(5);
    expect(statusNumber(status, "VmSwap")).toBe(0);
  });

  test("limits give the soft limit of open files", () => {
    const limits = (soft: string) =>
      `Limit Soft Hard Units\nMax open files            ${soft}   1048576   files\n`;
    expect(openFilesLimit(limits("1024"))).toBe(1_024);
    expect(openFilesLimit(limits("unlimited"))).toBe(Infinity);
  });

  test("netstat gives octets by the names of its columns", () => {
    expect(octets(
      "TcpExt: A B\nTcpExt: 1 2\nIpExt: InNoRoutes InOctets OutOctets\nIpExt: 0 123 456\n",
    )).toEqual({ received: 123, sent: 456 });
    expect(octets("")).toEqual({ received: 0, sent: 0 });
  });
});
