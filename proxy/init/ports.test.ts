import { describe, expect, test } from "bun:test";
import { groupPorts, parsePort, parsePortRange } from "./ports.ts";

describe("parsePort()", () => {
  test("takes 1 to 65535 and nothing else", () => {
    expect(["1", "80", "65535"].map(parsePort)).toEqual([1, 80, 65535]);
    for (const text of ["", "0", "65536", "-1", "8o", "1e3", " 80"]) {
      expect(parsePort(text)).toBeNull();
    }
  });
});

describe("parsePortRange()", () => {
  test("takes a port and a range with both ends", () => {
    expect(parsePortRange("80")).toEqual({ from: 80, to: 80 });
    expect(parsePortRange("80-90")).toEqual({ from: 80, to: 90 });
    expect(parsePortRange("0-1023")).toEqual({ from: 0, to: 1023 });
  });

  test("refuses a reversed, open or double range, and port 0 alone", () => {
    for (const text of ["90-80", "80-", "-80", "1-2-3", "0", "0-0", "a-b"]) {
      expect(parsePortRange(text)).toBeNull();
    }
  });
});

describe("groupPorts()", () => {
  const ports = (count: number): { from: number; to: number }[] =>
    Array.from({ length: count }, (_, at) => ({ from: at + 1, to: at + 1 }));

  test("fills a rule with 15 ports before it starts another", () => {
    expect(groupPorts([])).toEqual([]);
    expect(groupPorts(ports(15))).toEqual([
      "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15",
    ]);
    expect(groupPorts(ports(16)).at(1)).toBe("16");
  });

  test("counts a range as two and never splits it", () => {
    const ranges = [...ports(14), { from: 100, to: 200 }, {
      from: 300,
      to: 300,
    }];
    expect(groupPorts(ranges)).toEqual([
      "1,2,3,4,5,6,7,8,9,10,11,12,13,14",
      "100:200,300",
    ]);
  });
});
