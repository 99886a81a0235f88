import { describe, expect, test } from "bun:test";
import type { FailureAccrual } from "../../schemas/client-policy.ts";
import { createAccrual } from "./accrual.ts";
import type { Judgement } from "./outcome.ts";

const backOff = { minMs: 1_000, maxMs: 60_000, jitter: 0 };
const CONSECUTIVE: FailureAccrual = {
  kind: "consecutive",
  maxFailures: 3,
  backOff,
};
const UNIFIED: Extract<FailureAccrual, { kind: "unified" }> = {
  kind: "unified",
  maxFailures: 3,
  successRate: 0.5,
  windowMs: 10_000,
  minRequests: 5,
  backOff,
  heedsRetryAfter: false,
};

const LETTERS: Readonly<Record<string, Judgement>> = {
  s: "success",
  f: "failure",
  l: "limited",
  ".": null,
};

/** How many of the answers (success, failure, limited, nothing) it takes until it is too bad; 0: more than there are. */
function trips(policy: FailureAccrual, answers: string): number {
  const accrual = createAccrual(policy, 0);
  const judgements = [...answers].map((letter) => LETTERS[letter] ?? null);
  return judgements.findIndex((one) => accrual.add(one, 0)) + 1;
}

describe("createAccrual() of failures in a row", () => {
  test.each([
    ["fff", 3],
    ["ff", 0],
    ["ffsff", 0],
    ["ffsfff", 6],
    ["fflff", 0],
    ["ff.f", 4],
    ["llllllllll", 0],
  ])("%s", (answers, after) => {
    expect(trips(CONSECUTIVE, answers)).toBe(after);
  });

  test("none allowed is one too many", () => {
    expect(trips({ ...CONSECUTIVE, maxFailures: 0 }, "ssf")).toBe(3);
  });

  test("whoever asks for fewer requests is well", () => {
    const { isWell } = createAccrual(CONSECUTIVE, 0);
    expect([isWell("success"), isWell("limited"), isWell("failure")])
      .toEqual([true, true, false]);
  });

  test("cleared, begins anew", () => {
    const accrual = createAccrual(CONSECUTIVE, 0);
    for (let round = 0; round < 5; round++) {
      expect(accrual.add("failure", 0)).toBeFalse();
      expect(accrual.add("failure", 0)).toBeFalse();
      accrual.clear();
    }
  });
});

describe("createAccrual() of both", () => {
  test.each([
    // In a row.
    ["sssfff", 6],
    ["fff", 3],
    // By rate, once there are enough.
    ["fsff", 0],
    ["fsffs", 5],
    ["sfsfsf", 0],
    ["sfsfsff", 7],
    ["ff.sf.f", 7],
    // What is limited counts for the rate alone, and neither lengthens nor ends a row.
    ["llll", 0],
    ["lllll", 5],
    ["sssssssfflf", 11],
  ])("%s", (answers, after) => {
    expect(trips(UNIFIED, answers)).toBe(after);
  });

  test("0 in a row: only the rate counts", () => {
    const policy = { ...UNIFIED, maxFailures: 0 };
    expect(trips(policy, "sssssffff")).toBe(0);
    expect(trips(policy, "sssssffffff")).toBe(11);
  });

  test("a rate of 0: only the row counts", () => {
    const policy = { ...UNIFIED, successRate: 0 };
    expect(trips(policy, "llllllllll")).toBe(0);
    expect(trips(policy, "ffsffsffsffs")).toBe(0);
    expect(trips(policy, "ffsfff")).toBe(6);
  });

  test("a rate of 1: the first failure among enough", () => {
    const policy = { ...UNIFIED, successRate: 1 };
    expect(trips(policy, "ssssssf")).toBe(7);
    expect(trips(policy, "fssss")).toBe(5);
  });

  test("no least number: the first failure", () => {
    expect(trips({ ...UNIFIED, minRequests: 0 }, "f")).toBe(1);
    expect(trips({ ...UNIFIED, minRequests: 0 }, "sssf")).toBe(0);
  });

  test("old failures are forgotten", () => {
    const accrual = createAccrual(UNIFIED, 0);
    for (const at of [0, 1, 2]) {
      expect(accrual.add("limited", at)).toBeFalse();
    }
    for (const at of [0, 1, 2]) {
      expect(accrual.add("limited", 11_000 + at)).toBeFalse();
    }
    expect(accrual.add("limited", 11_500)).toBeFalse();
    expect(accrual.add("limited", 11_600)).toBeTrue();
  });

  test("a window of nothing is as short as one may be", () => {
    expect(trips({ ...UNIFIED, windowMs: 0 }, "lllll")).toBe(5);
  });

  test("whoever asks for fewer requests is not well", () => {
    const { isWell } = createAccrual(UNIFIED, 0);
    expect([isWell("success"), isWell("limited"), isWell("failure")])
      .toEqual([true, false, false]);
  });
});
