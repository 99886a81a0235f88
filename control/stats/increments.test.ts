import { expect, test } from "bun:test";
import { Increments } from "./increments.ts";

test("increments of any size come back with their slots", () => {
  const sizes = [1, 127, 128, 16_384, 2 ** 32, Number.MAX_SAFE_INTEGER];
  const increments = new Increments();
  sizes.forEach((size, at) => increments.add(at * 1_000, size));
  const seen: [number, number][] = [];
  increments.each(-1, (slot, increment) => seen.push([slot, increment]));
  expect(seen).toEqual(sizes.map((size, at) => [at * 1_000, size]));
});

test("a sum is of what came after a slot", () => {
  const increments = new Increments();
  for (let slot = 0; slot < 1_000; slot++) increments.add(slot, 2);
  expect(increments.since(899)).toBe(200);
  expect(increments.since(-1)).toBe(2_000);
  expect(increments.since(999)).toBe(0);
});

test("trimming forgets what is old and nothing else", () => {
  const increments = new Increments();
  for (let slot = 0; slot < 1_000; slot++) increments.add(slot, 1);
  expect(increments.trim(899)).toBe(true);
  expect(increments.since(899)).toBe(100);
  expect(increments.since(-1)).toBeLessThan(200);
  expect(increments.trim(999)).toBe(false);
  increments.add(1_000, 5);
  expect(increments.since(999)).toBe(5);
});
