import type { RetryBudget } from "../../../schemas/profile.ts";

/** How many retries there may be beside other requests. */
export interface Budget {
  /** A request ended and is not sent again. */
  deposit(nowMs: number): void;
  /** Whether one more may be sent again now; if so, it is spent. */
  withdraw(nowMs: number): boolean;
}

/** Parts that the time of a budget is counted in: what is older than it goes a tenth at a time. */
const SLOTS = 10;

/** Tokens for one retry, so that sums of ratios stay whole. */
const RETRY = 1_000;

/**
 * A token bucket over the last `ttlMs` (facts: proxy 4.12): requests put in their ratio, retries take one out, and
 * `minRetriesPerSecond` is there in any case.
 */
export function createBudget(
  { retryRatio, minRetriesPerSecond, ttlMs }: RetryBudget,
): Budget {
  const slotMs = ttlMs / SLOTS;
  const reserve = minRetriesPerSecond * (ttlMs / 1_000) * RETRY;
  const deposit = Math.round(retryRatio * RETRY);
  const slots = new Array<number>(SLOTS).fill(0);
  /** Which slot it is now, counted from the beginning of time. */
  let current = 0;
  let sum = 0;

  function add(amount: number): void {
    const at = current % SLOTS;
    slots[at] = (slots[at] ?? 0) + amount;
    sum += amount;
  }

  /** Forgets what is older than the time of the budget. */
  function advance(nowMs: number): void {
    const now = Math.floor(nowMs / slotMs);
    const steps = Math.min(now - current, SLOTS);
    for (let step = 1; step <= steps; step++) {
      const at = (now - steps + step) % SLOTS;
      sum -= slots[at] ?? 0;
      slots[at] = 0;
    }
    current = Math.max(current, now);
  }

  return {
    deposit(nowMs) {
      advance(nowMs);
      add(deposit);
    },
    withdraw(nowMs) {
      advance(nowMs);
      if (reserve + sum < RETRY) return false;
      add(-RETRY);
      return true;
    },
  };
}
