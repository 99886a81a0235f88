import { Problem, type ProblemCode } from "../../schemas/problem.ts";
import { ErrorCode, type Reset } from "../http/message.ts";
import type { Limits } from "./terms.ts";

/** Which time is over; `attempt`: that of one of several. */
export type Limit = keyof Limits | "attemptMs";

type Timer = ReturnType<typeof setTimeout>;

/** The longest delay that timers take: longer ones fire at once (2^31 - 1 ms, 24.8 days). */
const MAX_DELAY_MS = 2_147_483_647;

/** The clocks of one request (facts 4.11); `expired` hears which one has run out. */
export class Deadlines {
  private readonly limits: Limits;
  private readonly expired: (limit: Limit, afterMs: number) => void;
  private readonly timers = new Map<Limit, Timer>();
  /** When the last frame came, of either side. */
  private activeMs = 0;

  constructor(
    limits: Limits,
    expired: (limit: Limit, afterMs: number) => void,
  ) {
    this.limits = limits;
    this.expired = expired;
    this.start("requestMs", limits.requestMs);
    this.start("headMs", limits.headMs);
  }

  /** An attempt has a stream. */
  begin(): void {
    const { idleMs } = this.limits;
    if (idleMs === null) return;
    this.active();
    this.watchIdle(idleMs, idleMs);
  }

  /** The whole request has been sent; `attemptMs` is how long this attempt may take to the head of the response. */
  sent(attemptMs: number | null): void {
    this.start("responseMs", this.limits.responseMs);
    this.start("attemptMs", attemptMs);
  }

  active(): void {
    if (this.limits.idleMs !== null) this.activeMs = performance.now();
  }

  /** The head of the response that the client gets has come. */
  answered(): void {
    this.end("headMs");
    this.end("attemptMs");
    this.active();
  }

  /** The attempt is over, the request is not. */
  leave(): void {
    this.end("idleMs");
    this.end("responseMs");
    this.end("attemptMs");
  }

  stop(): void {
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.timers.clear();
  }

  private start(limit: Limit, afterMs: number | null): void {
    if (afterMs === null) return;
    this.end(limit);
    const timer = setTimeout(
      () => this.expired(limit, afterMs),
      Math.min(afterMs, MAX_DELAY_MS),
    );
    this.timers.set(limit, timer);
  }

  private end(limit: Limit): void {
    const timer = this.timers.get(limit);
    if (timer === undefined) return;
    clearTimeout(timer);
    this.timers.delete(limit);
  }

  /** Looks again when the limit would be reached, and not at every frame. */
  private watchIdle(idleMs: number, inMs: number): void {
    this.end("idleMs");
    const timer = setTimeout(() => {
      const leftMs = this.activeMs + idleMs - performance.now();
      if (leftMs > 0) this.watchIdle(idleMs, leftMs);
      else this.expired("idleMs", idleMs);
    }, Math.min(Math.ceil(inMs), MAX_DELAY_MS));
    this.timers.set("idleMs", timer);
  }
}

const CODES: Readonly<Record<Limit, ProblemCode>> = {
  requestMs: "timeout.request",
  headMs: "timeout.request",
  responseMs: "timeout.response",
  idleMs: "timeout.idle",
  attemptMs: "timeout.attempt",
};

const WORDS: Readonly<Record<Limit, string>> = {
  requestMs: "the response was not complete",
  headMs: "no response",
  responseMs: "the response was not complete after the request was",
  idleMs: "nothing was sent or received",
  attemptMs: "no response to the last attempt",
};

/** What a client is told when a limit is reached. */
export function timeoutOf(limit: Limit, afterMs: number): Problem {
  return new Problem(CODES[limit], `${WORDS[limit]} within ${afterMs} ms`);
}

export const TIMED_OUT: Reset = {
  code: ErrorCode.cancel,
  origin: "local",
  message: "a timeout of the route",
};
