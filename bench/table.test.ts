import { expect, test } from "bun:test";
import { http1Keepalive, http1OpenLoop } from "./cases/http1.ts";
import type { Row } from "./result.ts";
import { formatTable } from "./table.ts";

const row = (subject: string, rps: number, p99Ms: number): Row => ({
  case: "any",
  subject,
  rps,
  p50Ms: 1,
  p99Ms,
  p999Ms: 9,
  failed: 0,
  cpuMsPer1000: null,
  rssMb: null,
  privateDirtyMb: null,
  mbPerS: null,
});

const rows = [
  row("none", 90_000, 1),
  row("ours", 30_000, 4),
  row("nginx", 20_000, 2),
  row("haproxy", 10_000, 8),
];

const lastColumn = (table: string): string[] =>
  table.trim().split("\n").slice(2).map((line) =>
    line.split(/ {2,}/).at(-1) ?? ""
  );

test("formatTable() compares with the best peer, not with no proxy nor with ourselves", () => {
  expect(lastColumn(formatTable(http1Keepalive, rows)))
    .toEqual(["4.50 x", "1.50 x", "1.00 x", "0.50 x"]);
});

test("formatTable() knows that less latency is better", () => {
  const table = formatTable(http1OpenLoop, rows);
  expect(table).toContain("ratios are of p99 ms, lower is better");
  expect(lastColumn(table)).toEqual(["0.50 x", "2.00 x", "1.00 x", "4.00 x"]);
});

test("formatTable() shows no column without a figure, and no ratio without a peer", () => {
  const table = formatTable(http1Keepalive, rows.slice(0, 2));
  expect(table).not.toContain("MB/s");
  expect(lastColumn(table)).toEqual(["-", "-"]);
});

test("formatTable() compares nothing without a figure of merit", () => {
  const alone = { name: "any", about: "something", merit: null };
  const table = formatTable(alone, rows);
  expect(table.split("\n")[0]).toBe("any: something");
  expect(table).not.toContain("peer");
  expect(lastColumn(table)).toEqual(["0", "0", "0", "0"]);
});
