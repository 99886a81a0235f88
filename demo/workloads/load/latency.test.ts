import { expect, test } from "bun:test";
import { createLatencies } from "./latency.ts";

test("percentiles are exact to one percent", () => {
  const latencies = createLatencies();
  for (let ms = 1; ms <= 1000; ms++) latencies.record(ms);
  const { mean, p50, p99, max } = latencies.summarize();
  expect(mean).toBe(500.5);
  expect(p50).toBeWithin(495, 506);
  expect(p99).toBeWithin(980, 1000);
  expect(max).toBe(1000);
});

test("nothing recorded is all zeros", () => {
  expect(createLatencies().summarize().p99).toBe(0);
});
