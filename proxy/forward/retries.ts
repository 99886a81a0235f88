import { waitMsOf } from "../balance/back-off.ts";
import type { Ending, Lane, RetryEvent, Way } from "../direction.ts";
import type { RequestBody } from "./request-body.ts";
import type { RetryTerms } from "./terms.ts";

/** The retries of one request: whether there is another, where it goes, and the wait for it. */
export class Retries {
  /** Attempts beyond the first. */
  made = 0;
  /** True once what has come is to be passed on, whatever it is. */
  over = false;
  readonly terms: RetryTerms;
  private readonly count: (event: RetryEvent) => void;
  private waiting: ReturnType<typeof setTimeout> | undefined;

  constructor(terms: RetryTerms, count: (event: RetryEvent) => void) {
    this.terms = terms;
    this.count = count;
  }

  /** Whether there may be another. */
  get left(): boolean {
    return !this.over && this.made < this.terms.limit;
  }

  /** How long the attempt under way may take to the head of its response; null: as long as it takes. */
  get attemptMs(): number | null {
    return this.left ? this.terms.timeoutMs : null;
  }

  /** Where another attempt goes; null when there can be none: what has come is passed on, and why is counted. */
  laneForAnother(way: Way, body: RequestBody | null): Lane | null {
    if (this.over) return null;
    const lane = this.findLane(way, body);
    if (lane === null) this.over = true;
    else this.count("request");
    return lane;
  }

  private findLane(way: Way, body: RequestBody | null): Lane | null {
    const { terms } = this;
    if (!this.left) return this.without("limit");
    const isKept = body === null ||
      (body.whole && body.bytes <= terms.maxBodyBytes);
    if (!isKept) return null;
    const lane = way.payload.choose();
    if (!lane.ready) return this.without("overflow");
    if (terms.permits?.() === false) return this.without("budget");
    return lane;
  }

  private without(why: RetryEvent): null {
    this.count(why);
    return null;
  }

  /** Calls back when the next attempt is due, perhaps at once. */
  next(lane: Lane, random: () => number, due: (lane: Lane) => void): void {
    const { backOff } = this.terms;
    const waitMs = backOff === null ? 0 : waitMsOf(backOff, this.made, random);
    this.made += 1;
    if (waitMs === 0) return due(lane);
    this.waiting = setTimeout(due, waitMs, lane);
  }

  /** The request is over. */
  stop({ problem, reset, status, grpcStatus }: Ending): void {
    clearTimeout(this.waiting);
    const isWell = problem === null && reset === null &&
      !this.terms.wants(status, grpcStatus);
    if (isWell && this.made > 0) this.count("success");
  }
}
