import { expect, test } from "bun:test";
import { parseGoDuration } from "./go-duration.ts";

test("parseGoDuration() reads what Go writes", () => {
  const cases = {
    "24h0m0s": 86_400_000,
    "20s": 20_000,
    "1m30.5s": 90_500,
    "250ms": 250,
    "1500us": 1.5,
    ".5s": 500,
    "-1s": -1_000,
    "0": 0,
    "0s": 0,
  };
  for (const [text, ms] of Object.entries(cases)) {
    expect(parseGoDuration(text)).toBe(ms);
  }
});

test("parseGoDuration() refuses what has no unit, another one, or a rest", () => {
  for (const text of ["", "-", "5", "1d", "1s ", "x1s", "1h2", "1s-1s"]) {
    expect(() => parseGoDuration(text)).toThrow("expected a duration");
  }
});
