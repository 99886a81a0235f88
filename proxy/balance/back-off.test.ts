import { expect, test } from "bun:test";
import { waitMsOf } from "./back-off.ts";

const BACK_OFF = { minMs: 1_000, maxMs: 60_000, jitter: 0.5 };

test("waitMsOf() doubles up to the most", () => {
  const waits = [0, 1, 2, 5, 6, 7, 5_000].map((failures) =>
    waitMsOf(BACK_OFF, failures, () => 0)
  );
  expect(waits)
    .toEqual([1_000, 2_000, 4_000, 32_000, 60_000, 60_000, 60_000]);
});

test("waitMsOf() adds a random share of itself, within the most", () => {
  expect(waitMsOf(BACK_OFF, 1, () => 0.5)).toBe(2_500);
  expect(waitMsOf(BACK_OFF, 5, () => 1)).toBe(48_000);
  expect(waitMsOf(BACK_OFF, 6, () => 1)).toBe(60_000);
});

test("waitMsOf() of nothing is nothing, however often", () => {
  const none = { minMs: 0, maxMs: 60_000, jitter: 0.5 };
  expect(waitMsOf(none, 5_000, () => 1)).toBe(0);
});
