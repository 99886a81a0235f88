import type { FailureAccrual } from "../../schemas/client-policy.ts";
import { AccrualWindow } from "./accrual-window.ts";
import type { Judgement } from "./outcome.ts";

/** The least that Linkerd takes for a window, too. */
const MIN_WINDOW_MS = 10;

/** Adds up what an endpoint answers, until it is too bad. */
export interface Accrual {
  /** Whether the endpoint is to be left out from now on. */
  add(judgement: Judgement, nowMs: number): boolean;
  /** Whether an endpoint that was left out, and answered a single request so, is well again. */
  isWell(judgement: Judgement): boolean;
  clear(): void;
}

/** Failures as policy wants them added up (facts 4.9). */
export function createAccrual(policy: FailureAccrual, nowMs: number): Accrual {
  return policy.kind === "consecutive"
    ? createConsecutive(policy.maxFailures)
    : createUnified(policy, nowMs);
}

/** Too bad after `maxFailures` in a row; being asked for fewer requests is no failure here. */
function createConsecutive(maxFailures: number): Accrual {
  let failures = 0;
  return {
    add(judgement) {
      if (judgement === null) return false;
      failures = judgement === "failure" ? failures + 1 : 0;
      return failures > 0 && failures >= maxFailures;
    },
    isWell: (judgement) => judgement !== "failure",
    clear() {
      failures = 0;
    },
  };
}

/** Too bad after so many in a row, or when too few of the last answers were good. */
function createUnified(
  { maxFailures, successRate, windowMs, minRequests }: Extract<
    FailureAccrual,
    { kind: "unified" }
  >,
  nowMs: number,
): Accrual {
  const window = new AccrualWindow(Math.max(windowMs, MIN_WINDOW_MS), nowMs);
  let failures = 0;
  return {
    add(judgement, nowMs) {
      if (judgement === null) return false;
      // What is limited neither lengthens nor ends a row of failures.
      if (judgement === "failure") failures += 1;
      else if (judgement === "success") failures = 0;
      window.add(judgement === "success", nowMs);
      return (maxFailures > 0 && failures >= maxFailures) ||
        (successRate > 0 && window.isBelow(successRate, minRequests));
    },
    isWell: (judgement) => judgement === "success",
    clear() {
      failures = 0;
      window.clear();
    },
  };
}
