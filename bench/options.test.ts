import { describe, expect, test } from "bun:test";
import { parseOptions } from "./options.ts";

const known = { cases: ["bulk", "idle"], subjects: ["none", "ours"] };

describe("parseOptions()", () => {
  test("runs everything by default", () => {
    expect(parseOptions([], known)).toEqual({
      only: [],
      subjects: [],
      rounds: 3,
      seconds: 5,
      json: false,
    });
  });

  test("takes names one by one and in lists", () => {
    const options = parseOptions(
      ["--only", "bulk", "--only=idle", "--subjects", "none,ours", "--json"],
      known,
    );
    expect(options.only).toEqual(["bulk", "idle"]);
    expect(options.subjects).toEqual(["none", "ours"]);
    expect(options.json).toBeTrue();
  });

  test("names every mistake, with what there is to choose from", () => {
    const parse = () =>
      parseOptions(["--only", "bulky", "--rounds", "0", "--seconds=x"], known);
    expect(parse).toThrow("--only bulky: expected bulk, idle");
    expect(parse).toThrow("--rounds 0: expected 1 to 100");
    expect(parse).toThrow("--seconds x: expected 1 to 600");
    expect(() => parseOptions(["--wat"], known)).toThrow("--wat");
  });
});
