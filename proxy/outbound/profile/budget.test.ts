import { expect, test } from "bun:test";
import { type Budget, createBudget } from "./budget.ts";

/** How many retries there are in a row at one time. */
function spend(budget: Budget, nowMs: number): number {
  let retries = 0;
  while (retries < 1_000 && budget.withdraw(nowMs)) retries++;
  return retries;
}

const TEN_SECONDS = { retryRatio: 0.2, minRetriesPerSecond: 0, ttlMs: 10_000 };

test("a fifth of the requests may be sent again", () => {
  const budget = createBudget(TEN_SECONDS);
  expect(spend(budget, 1_000)).toBe(0);
  for (let sent = 0; sent < 50; sent++) budget.deposit(1_000);
  expect(spend(budget, 1_500)).toBe(10);
  expect(spend(budget, 1_500)).toBe(0);
});

test("so many a second may be in any case, over the time of the budget", () => {
  const budget = createBudget({ ...TEN_SECONDS, minRetriesPerSecond: 3 });
  expect(spend(budget, 50)).toBe(30);
  expect(spend(budget, 9_900)).toBe(0);
  expect(spend(budget, 10_100)).toBe(30);
});

test("requests count for as long as the time of the budget, and no longer", () => {
  const budget = createBudget(TEN_SECONDS);
  for (let sent = 0; sent < 10; sent++) budget.deposit(500);
  expect(budget.withdraw(9_900)).toBe(true);
  expect(budget.withdraw(10_600)).toBe(false);
});

test("every request may be sent again many times when the ratio says so", () => {
  const budget = createBudget({ ...TEN_SECONDS, retryRatio: 3 });
  budget.deposit(0);
  expect(spend(budget, 0)).toBe(3);
});

test("a long silence forgets everything", () => {
  const budget = createBudget(TEN_SECONDS);
  for (let sent = 0; sent < 100; sent++) budget.deposit(sent * 90);
  expect(spend(budget, 1e9)).toBe(0);
  budget.deposit(1e9);
  expect(budget.withdraw(1e9)).toBe(false);
});
