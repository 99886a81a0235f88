import { expect, test } from "bun:test";
import { includesPort, parsePortRanges, resolvePortRanges } from "./ports.ts";

test("parsePortRanges() reads numbers and ranges, and refuses the rest", () => {
  const ranges = parsePortRanges("25, 9000-9010,");
  const asked = [25, 26, 8999, 9000, 9010, 9011];
  expect(asked.filter((port) => includesPort(ranges, port)))
    .toEqual([25, 9000, 9010]);
  expect(parsePortRanges("")).toEqual([]);
  for (const text of ["0", "65536", "9-8", "http", "1-2-3", "-1"]) {
    expect(() => parsePortRanges(text)).toThrow(`Cannot read port "${text}"`);
  }
});

test("resolvePortRanges() knows ports by name, and leaves out what means nothing", () => {
  const named = [
    { name: "http", port: 80 },
    { name: "http", port: 81 },
    { port: 82 },
  ];
  expect(resolvePortRanges("http, other, 99999, 25", named)).toEqual([
    { first: 80, last: 80 },
    { first: 81, last: 81 },
    { first: 25, last: 25 },
  ]);
});
