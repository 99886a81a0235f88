import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import { keepRoster, MAX_AT_ONCE } from "./roster.ts";
import { fakePod } from "./testing/proxies.ts";

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

test("more pods than can be followed at once take turns", () => {
  const pods = Array.from(
    { length: 2 * MAX_AT_ONCE + 50 },
    (_, index) => ({ ...fakePod("web", 1), id: `pod ${index}` }),
  );
  let now = 0;
  const followed = new Map<string, AbortSignal>();
  const seen = new Set<string>();
  const close = keepRoster({
    pods: () => pods,
    now: () => now,
    follow({ id }, signal) {
      followed.set(id, signal);
      seen.add(id);
      signal.addEventListener("abort", () => followed.delete(id));
    },
  });
  expect(followed.size).toBe(MAX_AT_ONCE);
  for (let second = 0; second < 11; second++) {
    now += 1_000;
    jest.advanceTimersByTime(1_000);
    expect(followed.size).toBe(MAX_AT_ONCE);
  }
  expect(seen.size).toBe(pods.length);
  close();
  expect(followed.size).toBe(0);
  now += 60_000;
  jest.advanceTimersByTime(60_000);
  expect(followed.size).toBe(0);
});

test("few pods are followed for as long as they are there", () => {
  let pods = [fakePod("a", 1), fakePod("b", 1)];
  const began: string[] = [];
  const ended: string[] = [];
  let now = 0;
  const close = keepRoster({
    pods: () => pods,
    now: () => now,
    follow({ name }, signal) {
      began.push(name);
      signal.addEventListener("abort", () => ended.push(name));
    },
  });
  const pass = (ms: number) => {
    now += ms;
    jest.advanceTimersByTime(ms);
  };
  pass(60_000);
  expect([began, ended]).toEqual([["a", "b"], []]);
  pods = [fakePod("b", 1), fakePod("c", 1)];
  pass(1_000);
  expect([began, ended]).toEqual([["a", "b", "c"], ["a"]]);
  close();
});
