import { describe, expect, test } from "bun:test";
import { countOne, createRegistry, type Registry } from "./record.ts";
import { formatLabels } from "./record/labels.ts";
import { LATENCY_BOUNDS_MS } from "./record/traffic.ts";
import { pageOf } from "./record/testing/page.ts";

const RETAIN_MS = 600_000;
const registryOf = (seriesMax?: number): Registry =>
  createRegistry({
    retainIdleMs: RETAIN_MS,
    ...(seriesMax === undefined ? {} : { seriesMax }),
  });

describe("createRegistry()", () => {
  test("prints counters and gauges family by family", () => {
    const registry = registryOf();
    const requests = registry.counter("request_total", "Requests");
    const inbound = requests.with(formatLabels([["direction", "inbound"]]));
    inbound.value += 3;
    registry.gauge("open", "Open").with("").value = 0.5;
    registry.counter("unused_total", "Nothing happened");
    expect(pageOf(registry, 0)).toBe(
      `# HELP request_total Requests
# TYPE request_total counter
request_total{direction="inbound"} 3
# HELP open Open
# TYPE open gauge
open 0.5
# EOF
`,
    );
  });

  test("gives the same series for the same labels", () => {
    const requests = registryOf().counter("a_total", "A");
    expect(requests.with(`x="1"`)).toBe(requests.with(`x="1"`));
    expect(requests.with(`x="1"`)).not.toBe(requests.with(`x="2"`));
  });

  test("sorts observations into buckets whose bound is not below them", () => {
    const registry = registryOf();
    const seconds = registry.histogram("s_seconds", "S", [0.5, 1, 10])
      .with(`a="b"`);
    for (const x of [0, 0.5, 0.6, 1, 9, 10, 11]) seconds.observe(x);
    expect(pageOf(registry, 0)).toContain(
      `s_seconds_bucket{a="b",le="0.5"} 2
s_seconds_bucket{a="b",le="1.0"} 4
s_seconds_bucket{a="b",le="10.0"} 6
s_seconds_bucket{a="b",le="+Inf"} 7
s_seconds_sum{a="b"} 32.1
s_seconds_count{a="b"} 7
`,
    );
  });

  test("has Linkerd's latency buckets", () => {
    expect(LATENCY_BOUNDS_MS).toHaveLength(25);
    expect(LATENCY_BOUNDS_MS.slice(0, 7)).toEqual([1, 2, 3, 4, 5, 10, 20]);
    expect(LATENCY_BOUNDS_MS.slice(-2)).toEqual([40_000, 50_000]);
  });

  test("drops released series once they have not changed for the retention", () => {
    const registry = registryOf();
    const family = registry.counter("a_total", "A");
    const held = family.with(`held="yes"`);
    held.value += 1;
    const released = family.with(`held="no"`);
    released.value += 1;
    released.release();
    registry.sweep(0);
    expect(pageOf(registry, RETAIN_MS - 1)).toContain(`held="no"`);
    const page = pageOf(registry, RETAIN_MS);
    expect(page).not.toContain(`held="no"`);
    expect(page).toContain(`a_total{held="yes"} 1`);
  });

  test("keeps a released series that goes on changing, and one held by another", () => {
    const registry = registryOf();
    const family = registry.counter("a_total", "A");
    const once = () => countOne(family, `error="i/o"`);
    once();
    registry.sweep(0);
    once();
    registry.sweep(RETAIN_MS);
    expect(pageOf(registry, 2 * RETAIN_MS - 1)).toContain(`{error="i/o"} 2`);
    family.with(`error="i/o"`);
    expect(pageOf(registry, 3 * RETAIN_MS)).toContain(`{error="i/o"} 2`);
  });

  test("gathers label sets past the limit in one series and says so", () => {
    const registry = registryOf(2);
    const family = registry.counter("a_total", "A");
    for (const host of ["a", "b", "c", "d"]) {
      family.with(formatLabels([["host", host]])).value += 1;
    }
    family.with(formatLabels([["host", "a"]])).value += 1;
    const page = pageOf(registry, 0);
    expect(page).toContain(`a_total{host="a"} 2\na_total{host="b"} 1\n`);
    expect(page).toContain(`a_total{overflow="true"} 2\n`);
    expect(page).not.toContain(`host="c"`);
    expect(page).toContain(`proxy_metrics_overflow_total{metric="a_total"} 2`);
  });

  test("begins series again when idle ones have made room", () => {
    const registry = registryOf(1);
    const family = registry.counter("a_total", "A");
    family.with(`host="a"`).release();
    registry.sweep(0);
    registry.sweep(RETAIN_MS);
    family.with(`host="b"`).value += 1;
    expect(pageOf(registry, RETAIN_MS)).toContain(`a_total{host="b"} 1`);
  });

  test("refuses to declare a metric twice", () => {
    const registry = registryOf();
    registry.counter("a_total", "A");
    expect(() => registry.gauge("a_total", "A")).toThrow("declared twice");
  });
});
