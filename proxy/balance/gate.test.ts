import { describe, expect, test } from "bun:test";
import { seeded } from "../http2/testing/random.ts";
import { createAccrual } from "./accrual.ts";
import { Gate } from "./gate.ts";
import type { Judgement } from "./outcome.ts";

const MIN_MS = 1_000;
const FAILURES = 2;

function openGate() {
  const backOff = { minMs: MIN_MS, maxMs: 60_000, jitter: 0.5 };
  const gate = new Gate(
    createAccrual({ kind: "consecutive", maxFailures: FAILURES, backOff }, 0),
    backOff,
  );
  const answer = (sentMs: number, judgement: Judgement, nowMs: number) =>
    gate.answered(sentMs, judgement, nowMs, () => 0);
  /** Shuts it at a time. */
  const fail = (nowMs: number) => {
    for (let at = 0; at < FAILURES; at++) answer(nowMs, "failure", nowMs);
  };
  return { gate, answer, fail };
}

/** A gate that came to probation at `MIN_MS`, and has let its one request through. */
function probe() {
  const bed = openGate();
  bed.fail(0);
  bed.gate.turn(MIN_MS);
  bed.gate.sent(MIN_MS);
  return bed;
}

describe("Gate", () => {
  test("is open, and waits for nothing", () => {
    const { gate } = openGate();
    gate.sent(0);
    expect([gate.state, gate.admits, gate.dueMs])
      .toEqual(["open", true, Infinity]);
  });

  test("shuts when failures have added up, for the back-off", () => {
    const { gate, answer } = openGate();
    answer(0, "failure", 100);
    expect(gate.admits).toBeTrue();
    answer(0, "failure", 200);
    expect([gate.state, gate.admits, gate.dueMs])
      .toEqual(["shut", false, 200 + MIN_MS]);
  });

  test("jitters the back-off", () => {
    const { gate } = openGate();
    gate.answered(0, "failure", 0, () => 1);
    gate.answered(0, "failure", 0, () => 1);
    expect(gate.dueMs).toBe(1.5 * MIN_MS);
  });

  test("shut, does not listen", () => {
    const { gate, answer, fail } = openGate();
    fail(0);
    answer(0, "success", 500);
    answer(200, "success", 500);
    answer(200, "failure", 500);
    expect([gate.state, gate.dueMs]).toEqual(["shut", MIN_MS]);
  });

  test("then admits exactly one request", () => {
    const { gate, fail } = openGate();
    fail(0);
    gate.turn(MIN_MS);
    expect([gate.state, gate.admits]).toEqual(["probation", true]);
    gate.sent(MIN_MS + 1);
    expect([gate.state, gate.admits]).toEqual(["probation", false]);
  });

  test("opens when that succeeds, as if nothing had been", () => {
    const { gate, answer, fail } = probe();
    answer(MIN_MS, "success", 1_500);
    expect([gate.state, gate.admits, gate.dueMs])
      .toEqual(["open", true, Infinity]);
    answer(1_500, "failure", 1_600);
    expect(gate.state).toBe("open");
    answer(1_500, "success", 1_600);
    fail(2_000);
    expect(gate.dueMs).toBe(2_000 + MIN_MS);
  });

  test("shuts longer each time that fails", () => {
    const { gate, answer, fail } = openGate();
    fail(0);
    const shutMs: number[] = [];
    for (let round = 0; round < 8; round++) {
      const nowMs = gate.dueMs;
      gate.turn(nowMs);
      gate.sent(nowMs);
      answer(nowMs, "failure", nowMs);
      shutMs.push(gate.dueMs - nowMs);
    }
    expect(shutMs).toEqual([
      2_000,
      4_000,
      8_000,
      16_000,
      32_000,
      60_000,
      60_000,
      60_000,
    ]);
  });

  test("in probation, does not hear of requests that were sent before", () => {
    const { gate, answer } = probe();
    answer(0, "success", 1_100);
    answer(0, "failure", 1_100);
    answer(500, null, 1_100);
    expect([gate.state, gate.admits]).toEqual(["probation", false]);
  });

  test("open again, does not hear of them either", () => {
    const { gate, answer } = probe();
    answer(MIN_MS, "success", 1_500);
    for (let late = 0; late < 5; late++) answer(0, "failure", 1_600);
    expect(gate.state).toBe("open");
  });

  test("admits another when the client of the first gave up", () => {
    const { gate, answer } = probe();
    answer(MIN_MS, null, 1_200);
    expect([gate.state, gate.admits, gate.dueMs])
      .toEqual(["probation", true, Infinity]);
  });

  test("admits another when the first takes too long, and either decides", () => {
    const { gate, answer } = probe();
    expect(gate.dueMs).toBe(MIN_MS + 10_000);
    gate.turn(gate.dueMs);
    expect([gate.state, gate.admits]).toEqual(["probation", true]);
    gate.sent(11_500);
    expect(gate.admits).toBeFalse();
    answer(MIN_MS, "success", 12_000);
    expect(gate.state).toBe("open");
  });

  test("is as patient as it was shut", () => {
    const { gate, answer, fail } = openGate();
    fail(0);
    for (let round = 0; round < 5; round++) {
      gate.turn(gate.dueMs);
      gate.sent(0);
      answer(Infinity, "failure", 0);
    }
    expect(gate.dueMs).toBe(32_000);
    gate.turn(32_000);
    gate.sent(40_000);
    expect(gate.dueMs).toBe(40_000 + 32_000);
  });

  test("whatever comes in whatever order, admits one at a time until that one succeeds", () => {
    const random = seeded(7);
    const { gate, answer } = openGate();
    const sent: number[] = [];
    const seen = new Set<string>();
    let nowMs = 0;
    for (let step = 0; step < 50_000; step++) {
      nowMs += Math.ceil(random() * 500);
      if (nowMs >= gate.dueMs) gate.turn(nowMs);
      const before = gate.state;
      if (gate.admits && random() < 0.5) {
        gate.sent(nowMs);
        sent.push(nowMs);
      } else if (sent.length > 0) {
        const [at = 0] = sent.splice(Math.floor(random() * sent.length), 1);
        answer(at, pick(random), nowMs);
      }
      if (before !== gate.state) seen.add(`${before} > ${gate.state}`);
      const waits = gate.state !== "open" && !gate.admits;
      expect(Number.isFinite(gate.dueMs)).toBe(waits);
    }
    expect([...seen].sort())
      .toEqual(["open > shut", "probation > open", "probation > shut"]);
  });
});

function pick(random: () => number): Judgement {
  const at = Math.floor(random() * 4);
  return (["success", "failure", "limited", null] as const)[at] ?? null;
}
