import { afterEach, beforeEach, describe, expect, jest, test } from "bun:test";
import { Field } from "../http/field.ts";
import { ResponseHead } from "../http/message.ts";
import { type Breaker, createBreaker } from "./breaker.ts";
import type { Outcome } from "./outcome.ts";

beforeEach(() => void jest.useFakeTimers());
afterEach(() => {
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

const DAY_MS = 86_400_000;

function openBreaker(minMs = 1_000, random = () => 0) {
  const changes: boolean[] = [];
  const breaker: Breaker = createBreaker(
    {
      kind: "consecutive",
      maxFailures: 2,
      backOff: { minMs, maxMs: 30 * DAY_MS, jitter: 0.5 },
    },
    random,
    () => changes.push(breaker.admits),
  );
  const end = (status: number, failure: Outcome["failure"] = null) =>
    breaker.answered({
      grpc: false,
      dispatchedMs: performance.now(),
      status,
      grpcStatus: null,
      failure,
      head: null,
    });
  const fail = () => {
    breaker.sent();
    end(500);
  };
  return { breaker, changes, end, fail };
}

describe("createBreaker() that heeds retry-after", () => {
  const unified = {
    kind: "unified",
    maxFailures: 1,
    successRate: 0,
    windowMs: 10_000,
    minRequests: 1,
    backOff: { minMs: 1_000, maxMs: 60_000, jitter: 0 },
  } as const;
  const answer = (retryAfter: string): Outcome => ({
    grpc: false,
    dispatchedMs: performance.now(),
    status: 503,
    grpcStatus: null,
    failure: null,
    head: new ResponseHead("1.1", 503, [Field.of("retry-after", retryAfter)]),
  });

  test.each([
    ["waits as long as the endpoint asks", "30", true, 30_000],
    ["waits no less than the back-off", "0", true, 1_000],
    ["waits for five minutes at most", "86400", true, 300_000],
    ["does so only where policy says so", "30", false, 1_000],
  ])("%s", (_, retryAfter, heedsRetryAfter, waitMs) => {
    const policy = { ...unified, heedsRetryAfter };
    const breaker = createBreaker(policy, () => 0, () => {});
    breaker.sent();
    breaker.answered(answer(retryAfter));
    jest.advanceTimersByTime(waitMs - 1);
    expect(breaker.admits).toBeFalse();
    jest.advanceTimersByTime(1);
    expect(breaker.admits).toBeTrue();
    breaker.close();
  });
});

describe("createBreaker()", () => {
  test("admits whatever comes, and keeps no timer, while all is well", () => {
    const { breaker, changes, end } = openBreaker();
    for (let round = 0; round < 100; round++) {
      breaker.sent();
      end(round % 2 === 0 ? 500 : 200);
    }
    expect([breaker.admits, breaker.ejected, changes]).toEqual([
      true,
      false,
      [],
    ]);
    breaker.close();
  });

  test("tells when it shuts, tries one, and opens", () => {
    const { breaker, changes, end, fail } = openBreaker();
    fail();
    fail();
    expect([breaker.ejected, changes]).toEqual([true, [false]]);
    jest.advanceTimersByTime(999);
    expect(changes).toEqual([false]);
    jest.advanceTimersByTime(1);
    expect([breaker.ejected, changes]).toEqual([true, [false, true]]);
    breaker.sent();
    expect(changes).toEqual([false, true, false]);
    end(200);
    expect([breaker.ejected, changes])
      .toEqual([false, [false, true, false, true]]);
    breaker.close();
  });

  test("stays shut longer after every try that fails", () => {
    const { breaker, changes, fail } = openBreaker(1_000, () => 1);
    fail();
    fail();
    for (const shutMs of [1_500, 3_000, 6_000, 12_000]) {
      jest.advanceTimersByTime(shutMs - 1);
      expect(breaker.admits).toBeFalse();
      jest.advanceTimersByTime(1);
      expect(breaker.admits).toBeTrue();
      fail();
    }
    expect(changes.filter((admits) => admits)).toHaveLength(4);
    breaker.close();
  });

  test("stays ready for its one request for as long as none comes", () => {
    const { breaker, fail } = openBreaker();
    fail();
    fail();
    jest.advanceTimersByTime(1_000);
    jest.advanceTimersByTime(DAY_MS);
    expect([breaker.admits, jest.getTimerCount()]).toEqual([true, 0]);
    breaker.close();
  });

  test("tries another when the client of the first gives up, or it takes too long", () => {
    const { breaker, changes, end, fail } = openBreaker();
    fail();
    fail();
    jest.advanceTimersByTime(1_000);
    breaker.sent();
    end(0, "cancelled");
    breaker.sent();
    expect(changes).toEqual([false, true, false, true, false]);
    jest.advanceTimersByTime(10_000);
    expect(changes.at(-1)).toBeTrue();
    breaker.close();
  });

  test("can be shut for longer than a timer runs", () => {
    const { breaker, fail } = openBreaker(25 * DAY_MS);
    fail();
    fail();
    jest.advanceTimersByTime(25 * DAY_MS - 1);
    expect(breaker.admits).toBeFalse();
    jest.advanceTimersByTime(1);
    expect(breaker.admits).toBeTrue();
    breaker.close();
  });

  test("closed, has no timer, tells nothing and takes no more", () => {
    const { breaker, changes, end, fail } = openBreaker();
    fail();
    fail();
    breaker.close();
    expect(jest.getTimerCount()).toBe(0);
    fail();
    end(200);
    jest.advanceTimersByTime(DAY_MS);
    expect(changes).toEqual([false]);
  });
});
