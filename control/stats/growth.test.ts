import { expect, test } from "bun:test";
import { Growth } from "./growth.ts";

/** A counter that says these values, a slot each. */
function counted(values: readonly number[], step = 1): Growth {
  const growth = new Growth(0);
  values.forEach((value, at) => growth.add(at * step, value, 0));
  return growth;
}

function increments(growth: Growth): [number, number][] {
  const seen: [number, number][] = [];
  growth.each(-1, (slot, increment) => seen.push([slot, increment]));
  return seen;
}

test("increments of any size come back with their slots", () => {
  const values = [1, 65, 256, 16_640, 2 ** 33, 2 ** 33 + 2 ** 52 - 1];
  const steps = values.map((value, at) => value - (values[at - 1] ?? 0));
  expect(increments(counted(values, 1_000))).toEqual(
    steps.map((step, at) => [at * 1_000, step]),
  );
});

test("an increment that nothing can count to is cut", () => {
  const growth = counted([1, 1e300, 1e300 + 5, 7, 8]);
  expect(increments(growth))
    .toEqual([[0, 1], [1, 2 ** 52 - 1], [3, 7], [4, 1]]);
});

test("a counter that stands still takes nothing, one that goes down has begun again", () => {
  const values = [5, 5, 5, 7, 3, 3, 4];
  expect(increments(counted(values))).toEqual([[0, 5], [3, 2], [4, 3], [6, 1]]);
});

test("a sum is of what came after a slot", () => {
  const growth = counted(Array.from({ length: 1_000 }, (_, at) => 2 * at + 2));
  expect(growth.since(899)).toBe(200);
  expect(growth.since(-1)).toBe(2_000);
  expect(growth.since(999)).toBe(0);
});

test("what is old makes room for what is new", () => {
  const growth = new Growth(0);
  for (let slot = 0; slot < 100_000; slot++) {
    growth.add(slot, 300 * (slot + 1), Math.max(0, slot - 359));
  }
  expect(growth.since(99_999 - 360)).toBe(360 * 300);
  expect(increments(growth).length).toBeLessThan(800);
});

test("a counter that has not grown for long is as new", () => {
  const growth = counted([1, 2, 3]);
  expect(growth.hasGrown(1)).toBe(true);
  expect(growth.hasGrown(2)).toBe(false);
  expect(increments(growth)).toEqual([]);
  growth.add(1_000, 8, 999);
  expect(growth.since(999)).toBe(5);
});
