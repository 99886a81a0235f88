import { describe, expect, test } from "bun:test";
import { choose } from "./p2c.ts";
import { PeakEwma } from "./peak-ewma.ts";

interface Candidate {
  readonly name: string;
  readonly load: PeakEwma;
}

function candidate(name: string, rttMs: number): Candidate {
  return { name, load: new PeakEwma(rttMs, 10_000, 0) };
}

/** A small seeded generator (Lehmer's, modulus 2^31 - 1), so that distributions repeat. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

/** How often each is chosen, times per round. */
function shares(candidates: readonly Candidate[], rounds: number) {
  const random = seeded(42);
  const counts = new Map<string, number>();
  for (let round = 0; round < rounds; round++) {
    const name = choose(candidates, 0, random)?.name ?? "";
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return (name: string) => (counts.get(name) ?? 0) / rounds;
}

describe("choose()", () => {
  test("has nothing to choose from nothing", () => {
    expect(choose([], 0, Math.random)).toBeNull();
  });

  test("takes the only one whatever its load", () => {
    const only = candidate("only", 10_000);
    expect(choose([only], 0, Math.random)).toBe(only);
  });

  test("of two always takes the less loaded", () => {
    const share = shares([candidate("slow", 50), candidate("fast", 5)], 500);
    expect(share("fast")).toBe(1);
  });

  test("takes the first of its two on a tie", () => {
    const equal = [candidate("a", 30), candidate("b", 30)];
    expect(choose(equal, 0, () => 0)?.name).toBe("a");
    expect(choose(equal, 0, () => 0.999_999)?.name).toBe("b");
  });

  test("compares two different ones, so that the most loaded gets nothing", () => {
    const share = shares(
      [candidate("a", 10), candidate("b", 20), candidate("worst", 30)],
      2_000,
    );
    expect(share("worst")).toBe(0);
    // Of the three pairs two hold "a" and one only "b" and "worst".
    expect(share("a")).toBeCloseTo(2 / 3, 1);
    expect(share("b")).toBeCloseTo(1 / 3, 1);
  });

  test("spreads evenly over equals", () => {
    const names = ["a", "b", "c", "d", "e"];
    const share = shares(names.map((name) => candidate(name, 30)), 10_000);
    for (const name of names) expect(share(name)).toBeCloseTo(0.2, 1.7);
  });

  test("turns away from one that has work in hand", () => {
    const busy = candidate("busy", 30);
    busy.load.pending = 1;
    expect(choose([busy, candidate("idle", 40)], 0, seeded(7))?.name)
      .toBe("idle");
  });
});
