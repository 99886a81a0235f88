import { expect, test } from "bun:test";
import { createClock } from "./clock.ts";

test("the clock has fractions of a millisecond, and follows the wall clock when that is set", () => {
  let wall = 1_800_000_000_000;
  let steady = 7.25;
  const now = createClock(() => wall, () => steady);
  steady += 1.5;
  wall += 1;
  expect(now()).toBe(1_800_000_000_001.5);
  wall += 60_000;
  steady += 0.5;
  expect(now()).toBe(1_800_000_060_001);
});
