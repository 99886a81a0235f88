import { describe, expect, test } from "bun:test";
import { latencyOf, type Load, median, summarize } from "./result.ts";

const load = (change: Partial<Load>): Load => ({
  seconds: 5,
  requests: 10_000,
  failed: 0,
  latency: { p50Ms: 1, p99Ms: 2, p999Ms: 3 },
  bytes: null,
  ...change,
});

const cost = { cpuMs: 500, rssMb: 40, privateDirtyMb: 8 };

describe("summarize()", () => {
  test("takes medians of the rounds, and the failures of all", () => {
    const row = summarize("case", "ours", [
      { load: load({ requests: 10_000, failed: 1 }), cost },
      { load: load({ requests: 50_000 }), cost: { ...cost, rssMb: 60 } },
      { load: load({ requests: 20_000, failed: 2 }), cost },
    ]);
    expect(row).toEqual({
      case: "case",
      subject: "ours",
      rps: 4000,
      p50Ms: 1,
      p99Ms: 2,
      p999Ms: 3,
      failed: 3,
      cpuMsPer1000: 25,
      rssMb: 40,
      privateDirtyMb: 8,
      mbPerS: null,
    });
  });

  test("says null where a figure has no meaning", () => {
    const bulk = load({ requests: null, latency: null, bytes: 5e9 });
    const row = summarize("bulk", "none", [{ load: bulk, cost: null }]);
    expect(row.mbPerS).toBe(1000);
    const { rps, p50Ms, p999Ms, cpuMsPer1000, rssMb, privateDirtyMb } = row;
    expect([rps, p50Ms, p999Ms, cpuMsPer1000, rssMb, privateDirtyMb])
      .toEqual([null, null, null, null, null, null]);
  });
});

test("median() is the middle, or between the two in the middle", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
});

test("latencyOf() finds the worst of a thousand", () => {
  const durations = Float64Array.from({ length: 1000 }, (_, at) => 1000 - at);
  expect(latencyOf(durations)).toEqual({
    p50Ms: 501,
    p99Ms: 991,
    p999Ms: 1000,
  });
  expect(latencyOf(new Float64Array())).toBeNull();
});
