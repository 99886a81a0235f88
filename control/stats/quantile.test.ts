import { expect, test } from "bun:test";
import { quantile } from "./quantile.ts";

const BUCKETS = [
  { bound: 10, count: 0 },
  { bound: 20, count: 50 },
  { bound: 30, count: 40 },
  { bound: Infinity, count: 10 },
];

test.each([[0.25, 15], [0.5, 20], [0.9, 30], [0.99, 30]])(
  "the quantile %p is %p: linear in its bucket, the last bound above all",
  (q, value) => expect(quantile(q, BUCKETS)).toBe(value),
);

test("nothing observed has no quantile", () => {
  expect(quantile(0.5, [])).toBeNull();
  expect(quantile(0.5, [{ bound: 1, count: 0 }])).toBeNull();
});
