import { describe, expect, test } from "bun:test";
import type { RateLimit } from "../../schemas/policy.ts";
import { createRateLimiter, isSameLimit, type Scope } from "./rate-limit.ts";

const LIMIT: RateLimit = {
  meta: { kind: "default", name: "limit" },
  totalPerSecond: null,
  identityPerSecond: null,
  overrides: [],
};

/** Requests per second that pass of `rate` evenly spread ones, over 30 seconds, by name. */
function offer(
  limit: Partial<RateLimit>,
  rates: Readonly<Record<string, number>>,
): Record<string, number> {
  const limiter = createRateLimiter({ ...LIMIT, ...limit });
  const passed: Record<string, number> = {};
  const seconds = 30;
  const requests = Object.entries(rates).flatMap(([name, rate]) =>
    Array.from(
      { length: rate * seconds },
      (_, at) => [name, at * 1_000 / rate] as const,
    )
  ).sort(([, a], [, b]) => a - b);
  for (const [name, atMs] of requests) {
    const scope = limiter.admit(name === "" ? null : name, atMs);
    if (scope === null) passed[name] = (passed[name] ?? 0) + 1;
  }
  return Object.fromEntries(
    Object.entries(passed).map(([name, count]) => [name, count / seconds]),
  );
}

describe("a rate limit", () => {
  test("of 100/s lets 100/s of 1,000/s pass, and a burst of a second", () => {
    const { a = 0 } = offer({ totalPerSecond: 100 }, { a: 1_000 });
    expect(a).toBeGreaterThan(100);
    expect(a).toBeLessThan(104);
  });

  test("lets everything below it pass", () => {
    expect(offer({ totalPerSecond: 100 }, { a: 99 })).toEqual({ a: 99 });
  });

  test("per identity holds for each alone", () => {
    const { a = 0, b } = offer({ identityPerSecond: 50 }, { a: 500, b: 40 });
    expect(a).toBeLessThan(52);
    expect(b).toBe(40);
  });

  test("per identity is shared by those who have none", () => {
    const limiter = createRateLimiter({ ...LIMIT, identityPerSecond: 1 });
    expect([null, null, "a", "a"].map((name) => limiter.admit(name, 0)))
      .toEqual([null, "identity", null, "identity"]);
  });

  test("is overridden for the identities that are named, each alone", () => {
    const identities = new Set(["a", "b"]);
    const { a = 0, b = 0, c = 0 } = offer({
      identityPerSecond: 10,
      overrides: [
        { perSecond: 100, identities },
        { perSecond: 1, identities: new Set(["a"]) },
      ],
    }, { a: 500, b: 500, c: 500 });
    for (const rate of [a, b]) {
      expect(rate).toBeGreaterThan(100);
      expect(rate).toBeLessThan(104);
    }
    expect(c).toBeLessThan(11);
  });

  test("held back by its own limit, an identity takes nothing from the total", () => {
    const limit = { totalPerSecond: 100, identityPerSecond: 50 };
    const { b } = offer(limit, { a: 1_000, b: 40 });
    expect(b).toBe(40);
  });

  test("names what is exceeded, the total first", () => {
    const limiter = createRateLimiter({
      ...LIMIT,
      totalPerSecond: 3,
      identityPerSecond: 1,
      overrides: [{ perSecond: 1, identities: new Set(["o"]) }],
    });
    const asked: (string | null)[] = ["a", "a", "o", "o", "b", "a"];
    expect(asked.map((name) => limiter.admit(name, 0))).toEqual(
      [null, "identity", null, "override", null, "total"] as (Scope | null)[],
    );
  });

  test("of nothing lets nothing pass", () => {
    const limiter = createRateLimiter({ ...LIMIT, totalPerSecond: 0 });
    expect(limiter.admit("a", 1e9)).toBe("total");
  });

  test("follows a bounded number of identities, and forgets the idle ones", () => {
    const limiter = createRateLimiter({ ...LIMIT, identityPerSecond: 1 }, 2);
    const admit = (name: string | null, atMs: number) =>
      limiter.admit(name, atMs);
    expect([admit("a", 0), admit("b", 0)]).toEqual([null, null]);
    // No room for a third: it shares with the nameless.
    expect([admit("c", 0), admit("d", 0), admit(null, 0)])
      .toEqual([null, "identity", "identity"]);
    expect([admit("c", 5_000), admit("d", 5_000)]).toEqual([null, null]);
  });
});

test("limits are the same when all they say is", () => {
  const overrides = [{ perSecond: 5, identities: new Set(["a"]) }];
  expect(isSameLimit({ ...LIMIT, overrides }, {
    ...LIMIT,
    overrides: structuredClone(overrides),
  })).toBeTrue();
  expect(isSameLimit({ ...LIMIT, overrides }, LIMIT)).toBeFalse();
  expect(isSameLimit(LIMIT, { ...LIMIT, totalPerSecond: 1 })).toBeFalse();
});
