import { expect, test } from "bun:test";
import type { HttpMatch, PathMatch } from "../../schemas/route.ts";
import { requestHead } from "../testing/http1.ts";
import { createHttpTable } from "./route-table.ts";

/** Numbers below `below` that look random and are the same in every run. */
function createDice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor(state / 2 ** 32 * below);
  };
}

/** Whether and how well a match takes a path: its order as the facts 4.13 have it, written down plainly. */
function rankOf(
  { path, headers, queryParams, method }: HttpMatch,
  request: { readonly path: string; readonly method: string },
): readonly number[] | null {
  if (method !== null && method !== request.method) return null;
  const rest = [headers.length, queryParams.length, method === null ? 0 : 1];
  const kind = (first: number, length = 0) => [first, length, ...rest];
  switch (path?.kind) {
    case undefined:
      return kind(0);
    case "exact":
      return path.path === request.path ? kind(3) : null;
    case "regex":
      return new RegExp(`^(?:${path.pattern})$`).test(request.path)
        ? kind(2)
        : null;
    case "prefix": {
      const prefix = path.path.replace(/\/+$/, "");
      return prefix === "" || request.path === prefix ||
          request.path.startsWith(`${prefix}/`)
        ? kind(1, prefix.length)
        : null;
    }
  }
}

function isBetter(a: readonly number[], b: readonly number[]): boolean {
  for (const [at, value] of a.entries()) {
    const other = b[at] ?? 0;
    if (value !== other) return value > other;
  }
  return false;
}

test("the table finds what going through all matches finds", () => {
  const roll = createDice(7);
  const pick = <T>(of: readonly T[]): T => of[roll(of.length)] as T;
  const makePath = (): string =>
    Array.from({ length: roll(4) }, () => `/${pick(["a", "b", "ab", "a.b"])}`)
        .join("") + pick(["", "", "/"]) || "/";
  const makeMatch = (): HttpMatch => {
    const path: PathMatch | null = pick<() => PathMatch | null>([
      () => null,
      () => ({ kind: "exact", path: makePath() }),
      () => ({ kind: "prefix", path: makePath() }),
      () => ({ kind: "prefix", path: makePath() }),
      () => ({
        kind: "regex",
        pattern: makePath().replaceAll("b", pick(["b", "[ab]+", ".*", "b?"])),
      }),
    ])();
    return {
      path,
      headers: [],
      queryParams: [],
      method: pick([null, null, "GET", "PUT"]),
    };
  };
  for (let round = 0; round < 300; round++) {
    const matches = Array.from({ length: 1 + roll(20) }, makeMatch);
    const table = createHttpTable(matches.map((match, at) => ({
      hosts: [],
      matches: [match],
      payload: at,
    })));
    for (let time = 0; time < 30; time++) {
      const request = { path: makePath(), method: pick(["GET", "PUT"]) };
      let best: readonly number[] | null = null;
      let expected: number | null = null;
      for (const [at, match] of matches.entries()) {
        const rank = rankOf(match, request);
        if (rank === null || best !== null && !isBetter(rank, best)) continue;
        best = rank;
        expected = at;
      }
      const head = requestHead(request.method, `${request.path}?q`, {});
      const found = table.find(head)?.payload ?? null;
      expect({ matches, request, found })
        .toEqual({ matches, request, found: expected });
    }
  }
});
