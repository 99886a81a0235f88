import { describe, expect, test } from "bun:test";
import { refreshDelay } from "./schedule.ts";

const LINKERD = { minMs: 10_000, maxMs: 86_400_000 };
const HOUR = 3_600_000;

describe("refreshDelay()", () => {
  test("waits 70 % of what remains, between the bounds", () => {
    expect(refreshDelay(24 * HOUR, LINKERD)).toBe(0.7 * 24 * HOUR);
    expect(refreshDelay(365 * 24 * HOUR, LINKERD)).toBe(24 * HOUR);
    expect(refreshDelay(20_000, LINKERD)).toBe(14_000);
    expect(refreshDelay(13_000, LINKERD)).toBe(10_000);
    expect(refreshDelay(6_000, { ...LINKERD, minMs: 1_000 })).toBeCloseTo(
      4_200,
    );
  });

  test("never waits past the end because of a lower bound, nor spins at it", () => {
    expect(refreshDelay(6_000, LINKERD)).toBe(5_400);
    expect(refreshDelay(50, LINKERD)).toBe(1_000);
  });
});
