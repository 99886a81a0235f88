import { waitMsOf } from "../balance/back-off.ts";
import type { Lane } from "../direction.ts";
import type { RetryTerms } from "./terms.ts";

/** The retries of one request: how many there were, and the wait for the next. */
export class Retries {
  /** Attempts beyond the first. */
  made = 0;
  /** True once what has come is to be passed on, whatever it is. */
  over = false;
  readonly terms: RetryTerms;
  private waiting: ReturnType<typeof setTimeout> | undefined;

  constructor(terms: RetryTerms) {
    this.terms = terms;
  }

  /** Whether there may be another. */
  get left(): boolean {
    return !this.over && this.made < this.terms.limit;
  }

  /** How long the attempt under way may take to the head of its response; null: as long as it takes. */
  get attemptMs(): number | null {
    return this.left ? this.terms.timeoutMs : null;
  }

  /** Calls back when the next attempt is due, perhaps at once. */
  next(lane: Lane, random: () => number, due: (lane: Lane) => void): void {
    const { backOff } = this.terms;
    const waitMs = backOff === null ? 0 : waitMsOf(backOff, this.made, random);
    this.made += 1;
    if (waitMs === 0) return due(lane);
    this.waiting = setTimeout(due, waitMs, lane);
  }

  stop(): void {
    clearTimeout(this.waiting);
  }
}
