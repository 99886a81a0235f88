import { describe, expect, test } from "bun:test";
import { createBackOff } from "./back-off.ts";

describe("createBackOff()", () => {
  test("doubles from 100 ms and never exceeds 4 s", () => {
    const { next } = createBackOff(() => 0);
    const delays = Array.from({ length: 12 }, next);
    expect(delays.slice(0, 7)).toEqual([100, 200, 400, 800, 1600, 3200, 4000]);
    expect(Math.max(...delays)).toBe(4000);
  });

  test("shortens by up to half, and starts over after a success", () => {
    const backOff = createBackOff(() => 0.999);
    const delays = Array.from({ length: 40 }, backOff.next);
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(50);
    expect(delays[39]).toBeGreaterThanOrEqual(2000);
    backOff.reset();
    expect(backOff.next()).toBeLessThan(100);
  });
});
