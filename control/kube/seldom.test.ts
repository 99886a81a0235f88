import { expect, test } from "bun:test";
import { createSeldom } from "./seldom.ts";

test("something is said once in a period, whatever else is", () => {
  const seldom = createSeldom(1_000);
  expect(seldom("a", 0)).toBe(true);
  expect(seldom("b", 500)).toBe(true);
  expect(seldom("a", 999)).toBe(false);
  expect(seldom("a", 1_000)).toBe(true);
  expect(seldom("b", 1_400)).toBe(false);
  expect(seldom("a", 1_999)).toBe(false);
});
