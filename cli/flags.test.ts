import { expect, test } from "bun:test";
import type { Flag } from "./command.ts";
import { parseFlags } from "./flags.ts";

const FLAGS: readonly Flag[] = [
  { name: "output", short: "o", kind: "text", about: "" },
  { name: "ports", kind: "list", about: "" },
  { name: "set", kind: "repeat", about: "" },
  { name: "manual", kind: "switch", about: "" },
  { name: "cpu", kind: "text", about: "", replacedBy: "cpu-request" },
  { name: "cpu-request", kind: "text", about: "" },
];

test("parseFlags() reads values after a space, after an equals sign and after a short name", () => {
  for (
    const args of [["--output", "json"], ["--output=json"], ["-o", "json"], [
      "-ojson",
    ], ["-o=json"]]
  ) {
    expect(parseFlags(args, FLAGS).text("output")).toBe("json");
  }
});

test("parseFlags() takes values as they are typed, dashes and zeros included", () => {
  expect(parseFlags(["--output", "-1"], FLAGS).text("output")).toBe("-1");
  expect(parseFlags(["--output", "1.10"], FLAGS).text("output")).toBe("1.10");
  expect(parseFlags(["--output="], FLAGS).text("output")).toBe("");
});

test("parseFlags() keeps a lone dash and all after -- as words", () => {
  expect(parseFlags(["-", "--", "--manual"], FLAGS).words).toEqual([
    "-",
    "--manual",
  ]);
});

test("parseFlags() splits lists at commas and leaves repeated values whole", () => {
  expect(parseFlags(["--ports", "1,2", "--ports=3"], FLAGS).list("ports"))
    .toEqual(["1", "2", "3"]);
  expect(parseFlags(["--set", "a={1,2}"], FLAGS).list("set")).toEqual([
    "a={1,2}",
  ]);
});

test("parseFlags() switches on, and off with =false", () => {
  expect(parseFlags(["--manual"], FLAGS).on("manual")).toBe(true);
  const off = parseFlags(["--manual=false"], FLAGS);
  expect([off.has("manual"), off.on("manual")]).toEqual([true, false]);
});

test("parseFlags() gives a deprecated flag's value to its successor", () => {
  const given = parseFlags(["--cpu", "1"], FLAGS);
  expect(given.text("cpu-request")).toBe("1");
  expect(given.deprecated.map(({ name }) => name)).toEqual(["cpu"]);
});

test("parseFlags() refuses what it does not know, values that are missing and switches that are neither", () => {
  expect(() => parseFlags(["--nope"], FLAGS)).toThrow("unknown flag: --nope");
  expect(() => parseFlags(["-x"], FLAGS)).toThrow("unknown shorthand flag: -x");
  expect(() => parseFlags(["--output"], FLAGS)).toThrow(
    "flag needs an argument: --output",
  );
  expect(() => parseFlags(["--manual=maybe"], FLAGS)).toThrow(
    "expected true or false",
  );
});
