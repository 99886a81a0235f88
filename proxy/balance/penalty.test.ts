import { describe, expect, test } from "bun:test";
import { Field } from "../http/field.ts";
import { ResponseHead, UNKNOWN_LENGTH } from "../http/message.ts";
import type { Outcome } from "./outcome.ts";
import { PeakEwma } from "./peak-ewma.ts";
import { penalise, penaltyOf } from "./penalty.ts";

const PENALTY = { penaltyMs: 5_000, maxRetryAfterMs: 300_000 };
const NOW = Date.UTC(2026, 10, 22, 12, 0, 0);

function outcomeOf(
  status: number,
  fields: Readonly<Record<string, string>> = {},
): Outcome {
  const head = new ResponseHead(
    "2",
    status,
    Object.entries(fields).map(([name, value]) => Field.of(name, value)),
    UNKNOWN_LENGTH,
  );
  const grpcStatus = fields["grpc-status"] ?? null;
  return {
    grpc: grpcStatus !== null,
    dispatchedMs: 0,
    status,
    grpcStatus,
    failure: null,
    head,
  };
}

function penaltyMs(outcome: Outcome): number | null {
  return penaltyOf(PENALTY, outcome, NOW);
}

describe("penaltyOf()", () => {
  test.each([200, 304, 404, 428])("%d costs what it took", (status) => {
    expect(penaltyMs(outcomeOf(status, { "retry-after": "60" }))).toBeNull();
  });

  test.each([429, 500, 502, 503, 504])("%d costs the penalty", (status) => {
    expect(penaltyMs(outcomeOf(status))).toBe(5_000);
  });

  test.each<[string, number]>([
    ["0", 5_000],
    ["4", 5_000],
    ["7", 7_000],
    ["120", 120_000],
    ["301", 300_000],
    ["99999999999999999999", 300_000],
    ["Sun, 22 Nov 2026 12:01:00 GMT", 60_000],
    ["Sunday, 22-Nov-26 12:01:00 GMT", 60_000],
    ["Sun Nov 22 12:01:00 2026", 60_000],
    ["Sun, 22 Nov 2026 12:00:01 GMT", 5_000],
    ["Sun, 22 Nov 2026 11:00:00 GMT", 5_000],
    ["Sun, 22 Nov 2027 11:00:00 GMT", 300_000],
    ["-60", 5_000],
    ["1.5", 5_000],
    ["soon", 5_000],
  ])("retry-after: %s asks for %d ms", (value, expected) => {
    const after = { "retry-after": value };
    expect(penaltyMs(outcomeOf(503, after))).toBe(expected);
    expect(penaltyMs(outcomeOf(429, after))).toBe(expected);
  });

  test("retry-after of other failures is no hint", () => {
    expect(penaltyMs(outcomeOf(500, { "retry-after": "60" }))).toBe(5_000);
  });

  test.each(["2", "4", "8", "13", "14", "15"])(
    "gRPC %s costs the penalty",
    (code) => {
      expect(penaltyMs(outcomeOf(200, { "grpc-status": code }))).toBe(5_000);
    },
  );

  test.each(["0", "1", "5", "7", "16", "nonsense"])(
    "gRPC %s costs what it took",
    (code) => {
      const fields = { "grpc-status": code, "grpc-retry-pushback-ms": "9000" };
      expect(penaltyMs(outcomeOf(200, fields))).toBeNull();
    },
  );

  test.each<[string, string, number]>([
    ["8", "9000", 9_000],
    ["14", "9000", 9_000],
    ["14", "100", 5_000],
    ["14", "-1", 5_000],
    ["14", "900000", 300_000],
    ["14", "later", 5_000],
    ["13", "9000", 5_000],
  ])("gRPC %s that is pushed back %s ms costs %d ms", (code, value, cost) => {
    const fields = { "grpc-status": code, "grpc-retry-pushback-ms": value };
    expect(penaltyMs(outcomeOf(200, fields))).toBe(cost);
  });

  test("without a response there is none", () => {
    const failed = { ...outcomeOf(0), failure: "broken", head: null } as const;
    expect(penaltyMs(failed)).toBeNull();
  });
});

describe("penalise()", () => {
  const loadWith = (penalty: typeof PENALTY | null) =>
    new PeakEwma(30, 10_000, performance.now(), penalty);

  test("raises the cost at once, and says so", () => {
    const load = loadWith(PENALTY);
    expect(penalise(load, outcomeOf(503))).toBeTrue();
    expect(load.cost(performance.now())).toBeGreaterThan(4_000);
  });

  test("leaves good answers to be sampled", () => {
    const load = loadWith(PENALTY);
    expect(penalise(load, outcomeOf(200))).toBeFalse();
    expect(load.cost(performance.now())).toBeLessThanOrEqual(30);
  });

  test("is nothing where policy wants none", () => {
    const load = loadWith(null);
    expect(penalise(load, outcomeOf(503))).toBeFalse();
    expect(load.cost(performance.now())).toBeLessThanOrEqual(30);
  });
});
