import { expect, test } from "bun:test";
import { parseCodes, parseStatuses } from "./retry-conditions.ts";

test("statuses are classes, single ones and ranges, or nothing at all", () => {
  expect(parseStatuses("5xx,gateway-error,429,500-504")).toEqual([
    { start: 500, end: 599 },
    { start: 502, end: 504 },
    { start: 429, end: 429 },
    { start: 500, end: 504 },
  ]);
  for (const text of ["", "4xx", "99", "600", "504-500", "5xx,", "500-6000"]) {
    expect(parseStatuses(text)).toBeNull();
  }
});

test("codes are names of those that may be retried, or nothing at all", () => {
  expect(
    parseCodes(
      "cancelled,Deadline-Exceeded,resource-exhausted,internal,unavailable",
    ),
  ).toEqual(new Set([1, 4, 8, 13, 14]));
  for (const text of ["", "ok", "14", "internal, unavailable"]) {
    expect(parseCodes(text)).toBeNull();
  }
});
