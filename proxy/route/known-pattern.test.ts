import { expect, test } from "bun:test";
import { patternOf } from "./known-pattern.ts";

test("a pattern is made once while it is held, and never when it is wrong", () => {
  const pattern = patternOf("/a+");
  expect(patternOf("/a+")).toBe(pattern);
  expect(patternOf("/b+")).not.toBe(pattern);
  for (let time = 0; time < 2; time++) {
    expect(() => patternOf("/(")).toThrow("/(");
  }
});
