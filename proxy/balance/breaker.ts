import type { FailureAccrual } from "../../schemas/client-policy.ts";
import { createAccrual } from "./accrual.ts";
import { Gate } from "./gate.ts";
import { judge, type Outcome } from "./outcome.ts";
import { retryAfterMs } from "./retry-after.ts";

/** The longest delay that timers take: longer ones fire at once (2^31 - 1 ms, 24.8 days). */
const MAX_DELAY_MS = 2_147_483_647;

/** An endpoint that asks to be left alone for longer is asked again all the same: that of load biasing (facts 4.8). */
const MAX_HINT_MS = 300_000;

/** Leaves an endpoint out while it answers badly (failure accrual, facts 4.9). */
export interface Breaker {
  /** Whether a request may go to the endpoint now. */
  readonly admits: boolean;
  /** Whether the endpoint is left out, but for the one request that may bring it back. */
  readonly ejected: boolean;
  /** A request goes to the endpoint; in the same turn in which it was picked. */
  sent(): void;
  /** How it went; once for each. */
  answered(outcome: Outcome): void;
  close(): void;
}

/** `changed` hears every change of `admits`. */
export function createBreaker(
  policy: FailureAccrual,
  random: () => number,
  changed: () => void,
): Breaker {
  const gate = new Gate(
    createAccrual(policy, performance.now()),
    policy.backOff,
  );
  const heeds = policy.kind === "unified" && policy.heedsRetryAfter;
  const hintMs = (outcome: Outcome) =>
    Math.min(retryAfterMs(outcome, Date.now()) ?? 0, MAX_HINT_MS);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let timerDueMs = Infinity;
  let closed = false;

  const watchClock = () => {
    if (gate.dueMs === timerDueMs) return;
    clearTimeout(timer);
    timer = undefined;
    timerDueMs = gate.dueMs;
    if (timerDueMs === Infinity) return;
    const delayMs = Math.max(0, timerDueMs - performance.now());
    timer = setTimeout(due, Math.min(Math.ceil(delayMs), MAX_DELAY_MS));
  };
  const due = () => {
    timerDueMs = Infinity;
    if (performance.now() < gate.dueMs) return watchClock();
    gate.turn(performance.now());
    watchClock();
    changed();
  };
  const follow = (admitted: boolean) => {
    watchClock();
    if (gate.admits !== admitted) changed();
  };

  return {
    get admits() {
      return gate.admits;
    },
    get ejected() {
      return gate.state !== "open";
    },
    sent() {
      if (closed || gate.state === "open") return;
      const admitted = gate.admits;
      gate.sent(performance.now());
      follow(admitted);
    },
    answered(outcome) {
      if (closed) return;
      const admitted = gate.admits;
      gate.answered(
        outcome.dispatchedMs,
        judge(outcome),
        performance.now(),
        random,
        heeds ? hintMs(outcome) : 0,
      );
      follow(admitted);
    },
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
