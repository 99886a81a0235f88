import { describe, expect, test } from "bun:test";
import { parseHttpDate } from "./http-date.ts";

const NOW = Date.UTC(2026, 10, 22);
const THEN = Date.UTC(1994, 10, 6, 8, 49, 37);

describe("parseHttpDate()", () => {
  test.each([
    "Sun, 06 Nov 1994 08:49:37 GMT",
    "Sunday, 06-Nov-94 08:49:37 GMT",
    "Sun Nov  6 08:49:37 1994",
  ])("reads %j", (text) => {
    expect(parseHttpDate(text, NOW)).toBe(THEN);
  });

  test("takes two digits for a year at most 50 years from now", () => {
    const year = (digits: string) =>
      new Date(
        parseHttpDate(`Sunday, 06-Nov-${digits} 08:49:37 GMT`, NOW) ?? NaN,
      ).getUTCFullYear();
    expect([year("26"), year("76"), year("77"), year("99"), year("00")])
      .toEqual([2026, 2076, 1977, 1999, 2000]);
  });

  test.each([
    "",
    "5",
    "2026-11-22T00:00:00Z",
    "Sun, 06 Nov 1994 08:49:37",
    "Sun, 06 Nov 1994 08:49:37 CET",
    "Sun, 06 Foo 1994 08:49:37 GMT",
    "Sun, 99 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT",
  ])("does not take %j for a date", (text) => {
    expect(parseHttpDate(text, NOW)).toBeNull();
  });
});
