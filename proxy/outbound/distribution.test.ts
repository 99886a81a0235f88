import { describe, expect, test } from "bun:test";
import { createChooser } from "./distribution.ts";

const NOBODY = { name: "nobody", available: true };

function backends(
  ...listed: readonly (readonly [
    name: string,
    weight: number,
    available?: boolean,
  ])[]
) {
  return listed.map(([name, weight, available = true]) => ({
    choice: { name, available },
    weight,
  }));
}

/** How often each of the backends is chosen of so many times, with draws spread evenly. */
function shares(
  kind: "first" | "random",
  listed: ReturnType<typeof backends>,
  times = 1_000,
): Record<string, number> {
  let draw = 0;
  const choose = createChooser(
    kind,
    listed,
    () => NOBODY,
    () => (draw++ % times) / times,
  );
  const counts: Record<string, number> = {};
  for (let time = 0; time < times; time++) {
    const { name } = choose();
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

describe("a random choice", () => {
  test("is by weight", () => {
    expect(shares("random", backends(["a", 90], ["b", 10])))
      .toEqual({ a: 900, b: 100 });
    expect(shares("random", backends(["a", 1], ["b", 2], ["c", 1])))
      .toEqual({ a: 250, b: 500, c: 250 });
  });

  test("gives nothing to a weight of 0, not even when nothing else is available", () => {
    expect(shares("random", backends(["a", 0], ["b", 1]))).toEqual({
      b: 1_000,
    });
    expect(shares("random", backends(["a", 0], ["b", 1, false])))
      .toEqual({ b: 1_000 });
  });

  test("is nobody when all weights are 0, or there are none", () => {
    expect(shares("random", backends(["a", 0], ["b", 0])))
      .toEqual({ nobody: 1_000 });
    expect(shares("random", [])).toEqual({ nobody: 1_000 });
  });

  test("is made again, by weight, among those that are available", () => {
    const listed = backends(["a", 8, false], ["b", 1], ["c", 1]);
    const { a, b = 0, c = 0 } = shares("random", listed, 1_001);
    expect([a, b + c]).toEqual([undefined, 1_001]);
    expect(Math.min(b, c)).toBeGreaterThan(300);
  });

  test("stays with what was drawn when nothing is available", () => {
    const listed = backends(["a", 1, false], ["b", 1, false]);
    expect(shares("random", listed)).toEqual({ a: 500, b: 500 });
  });
});

describe("the first available", () => {
  test("is the first of them, whatever the weights", () => {
    expect(shares("first", backends(["a", 0, false], ["b", 0], ["c", 9])))
      .toEqual({ b: 1_000 });
  });

  test("is the first when none is, and the only one there is", () => {
    expect(shares("first", backends(["a", 1, false], ["b", 1, false])))
      .toEqual({ a: 1_000 });
    expect(shares("first", backends(["a", 0, false]))).toEqual({ a: 1_000 });
  });
});
