import { describe, expect, test } from "bun:test";
import { PeakEwma } from "./peak-ewma.ts";

/** Linkerd's defaults. */
const RTT_MS = 30;
const DECAY_MS = 10_000;

/** estimate·e^(−t/decay) + s·(1 − e^(−t/decay)) (facts 4.8). */
function weighed(estimateMs: number, sampleMs: number, elapsedMs: number) {
  const kept = Math.exp(-elapsedMs / DECAY_MS);
  return estimateMs * kept + sampleMs * (1 - kept);
}

describe("PeakEwma", () => {
  test("begins with the default round trip", () => {
    expect(new PeakEwma(RTT_MS, DECAY_MS, 0).cost(0)).toBe(RTT_MS);
  });

  test("costs more with every request in hand", () => {
    const load = new PeakEwma(RTT_MS, DECAY_MS, 0);
    load.pending = 2;
    expect(load.cost(0)).toBe(3 * RTT_MS);
  });

  test("jumps to a peak at once", () => {
    const load = new PeakEwma(RTT_MS, DECAY_MS, 0);
    load.sample(400, 1);
    expect(load.cost(1)).toBe(400);
  });

  test.each([100, 1_000, 10_000, 60_000])(
    "comes down slowly: a sample after %d ms",
    (elapsedMs) => {
      const load = new PeakEwma(RTT_MS, DECAY_MS, 0);
      load.sample(400, 0);
      load.sample(20, elapsedMs);
      expect(load.cost(elapsedMs)).toBeCloseTo(weighed(400, 20, elapsedMs), 9);
    },
  );

  test("decays by being read, so that an endpoint left alone is tried again", () => {
    const load = new PeakEwma(RTT_MS, DECAY_MS, 0);
    load.sample(1_000, 0);
    expect(load.cost(DECAY_MS)).toBeCloseTo(1_000 / Math.E, 9);
    expect(load.cost(3 * DECAY_MS)).toBeCloseTo(1_000 / Math.E ** 3, 9);
  });

  test("reads as often as one likes within one moment", () => {
    const load = new PeakEwma(RTT_MS, DECAY_MS, 0);
    for (let read = 0; read < 100; read++) load.cost(5_000);
    expect(load.cost(5_000)).toBeCloseTo(weighed(RTT_MS, 0, 5_000), 9);
  });

  test("a stale time neither changes it nor weighs later samples twice", () => {
    const load = new PeakEwma(RTT_MS, DECAY_MS, 1_000);
    load.sample(10, 400);
    expect(load.cost(1_000)).toBe(RTT_MS);
    expect(load.cost(2_000)).toBeCloseTo(weighed(RTT_MS, 0, 1_000), 9);
  });
});

describe("PeakEwma with penalties", () => {
  const PENALTY = { penaltyMs: 5_000, maxRetryAfterMs: 300_000 };
  const open = () => new PeakEwma(RTT_MS, DECAY_MS, 0, PENALTY);

  test("costs the same when it is only read", () => {
    const plain = new PeakEwma(RTT_MS, DECAY_MS, 0);
    const load = open();
    for (const at of [0, 1, 100, 5_000, 20_000]) {
      expect(load.cost(at)).toBeCloseTo(plain.cost(at), 9);
    }
  });

  test("being read, however often, changes no later sample", () => {
    const [read, left] = [open(), open()];
    for (let at = 0; at < 1_000; at++) read.cost(at);
    read.sample(10, 1_000);
    left.sample(10, 1_000);
    expect(read.cost(1_000)).toBe(left.cost(1_000));
    expect(left.cost(1_000)).toBeCloseTo(weighed(RTT_MS, 10, 1_000), 9);
  });

  test("punished, costs so much at once and comes down as after a peak", () => {
    const load = open();
    load.punish(5_000, 100);
    expect(load.cost(100)).toBe(5_000);
    expect(load.cost(100 + DECAY_MS)).toBeCloseTo(5_000 / Math.E, 9);
  });

  test("a punishment never makes it cheaper", () => {
    const load = open();
    load.punish(60_000, 0);
    load.punish(5_000, 1_000);
    expect(load.cost(1_000)).toBeCloseTo(60_000 * Math.exp(-0.1), 9);
    load.punish(5_000, 50_000);
    expect(load.cost(50_000)).toBe(5_000);
  });

  test("a stale time punishes as well, and is not kept", () => {
    const load = open();
    load.sample(10, 1_000);
    load.punish(5_000, 400);
    expect(load.cost(1_000)).toBe(5_000);
  });
});
