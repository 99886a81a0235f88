import { expect, test } from "bun:test";
import { parseDuration } from "./duration.ts";

test.each([
  ["0", 0],
  ["0s", 0],
  ["250ms", 250],
  ["10s", 10_000],
  ["5m", 300_000],
  ["24h", 86_400_000],
  ["365d", 31_536_000_000],
  ["  10 s ", 10_000],
])("parseDuration(%p) is %d ms", (text, wanted) => {
  expect(parseDuration(text)).toBe(wanted);
});

test.each(["", "10", "s", "-1s", "1.5s", "10 sec", "1h30m", "10S", "1e3s"])(
  "parseDuration(%p) is refused",
  (text) =>
    expect(() => parseDuration(text)).toThrow(
      `Cannot read duration "${text}": expected digits and a unit`,
    ),
);
