import { describe, expect, test } from "bun:test";
import { AccrualWindow } from "./accrual-window.ts";

const WINDOW_MS = 10_000;

/** A window with so many answers of each kind at each time. */
function windowOf(...answers: readonly (readonly [number, number, number])[]) {
  const window = new AccrualWindow(WINDOW_MS, 0);
  for (const [nowMs, good, bad] of answers) {
    for (let at = 0; at < good; at++) window.add(true, nowMs);
    for (let at = 0; at < bad; at++) window.add(false, nowMs);
  }
  return window;
}

describe("AccrualWindow", () => {
  test("is below a rate that is not reached, not below one that is", () => {
    expect(windowOf([0, 8, 2]).isBelow(0.8, 1)).toBeFalse();
    expect(windowOf([0, 7, 2]).isBelow(0.8, 1)).toBeTrue();
  });

  test("says nothing of fewer than are wanted", () => {
    expect(windowOf([0, 0, 4]).isBelow(0.8, 5)).toBeFalse();
    expect(windowOf([0, 0, 5]).isBelow(0.8, 5)).toBeTrue();
    expect(windowOf().isBelow(1, 0)).toBeFalse();
  });

  test("a rate of 1 suffers no failure, one of 0 every", () => {
    expect(windowOf([0, 9_999, 1]).isBelow(1, 5)).toBeTrue();
    expect(windowOf([0, 0, 100]).isBelow(0, 5)).toBeFalse();
  });

  test("compares in steps of a ten-thousandth", () => {
    expect(windowOf([0, 1, 2]).isBelow(1 / 3, 1)).toBeFalse();
    expect(windowOf([0, 1, 2]).isBelow(0.3334, 1)).toBeTrue();
  });

  test("adds up what came within the window", () => {
    const window = windowOf([0, 0, 1], [5_000, 8, 0], [9_999, 0, 2]);
    expect(window.isBelow(0.8, 11)).toBeTrue();
    expect(window.isBelow(0.8, 12)).toBeFalse();
  });

  test("forgets in tenths what is older", () => {
    const window = windowOf([0, 0, 5], [1_500, 0, 5], [10_999, 1, 0]);
    expect([window.isBelow(1, 6), window.isBelow(1, 7)]).toEqual([true, false]);
    window.add(true, 11_000);
    expect(window.isBelow(1, 2)).toBeFalse();
  });

  test("is empty after a long silence, in as many steps as it has buckets", () => {
    const window = windowOf([0, 0, 5]);
    window.add(true, 1e15);
    expect([window.isBelow(1, 1), window.isBelow(1, 2)])
      .toEqual([false, false]);
  });

  test("counts where it was when the clock steps back", () => {
    const window = windowOf([5_000, 1, 0], [3_000, 0, 1]);
    expect(window.isBelow(1, 2)).toBeTrue();
    window.add(true, 14_999);
    expect(window.isBelow(1, 3)).toBeTrue();
    window.add(true, 15_000);
    expect(window.isBelow(1, 2)).toBeFalse();
  });

  test("cleared, begins anew", () => {
    const window = windowOf([0, 0, 5]);
    window.clear();
    window.add(true, 0);
    expect([window.isBelow(1, 1), window.isBelow(1, 2)])
      .toEqual([false, false]);
  });
});
