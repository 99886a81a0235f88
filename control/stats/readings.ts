/** Which series: those of one metric whose labels are as asked. */
export interface Selector {
  readonly metric: string;
  readonly labels: readonly Matcher[];
}

/** What a label must be; a series without it has "" there. */
export interface Matcher {
  readonly label: string;
  readonly is: "=" | "!=";
  readonly value: string;
}

/** A sum over all series that have these labels in common. */
export interface Reading {
  readonly labels: Labels;
  readonly value: number;
}

/** The same of a histogram. */
export interface Distribution {
  readonly labels: Labels;
  /** By rising upper bound, the last one without: observations up to the bound, and not up to the one before. */
  readonly buckets: readonly Bucket[];
}

export interface Bucket {
  readonly bound: number;
  readonly count: number;
}

/** The growth of a sum of counters, step by step, the oldest first. */
export interface Series {
  readonly labels: Labels;
  readonly steps: readonly number[];
}

export type Labels = Readonly<Record<string, string>>;

/** The golden metrics of the last hour, wherever they are kept: in memory, or in a Prometheus. Windows end now. */
export interface Readings {
  /** By how much counters grew, summed by these labels; counters that did not are not there. */
  increase(
    selector: Selector,
    by: readonly string[],
    windowMs: number,
  ): Promise<readonly Reading[]>;
  distribution(
    selector: Selector,
    by: readonly string[],
    windowMs: number,
  ): Promise<readonly Distribution[]>;
  /** By how much counters grew in each step of a window; the last step is the last one that `seriesEnd` says is whole. */
  series(
    selector: Selector,
    by: readonly string[],
    windowMs: number,
    stepMs: number,
  ): Promise<readonly Series[]>;
  /** What gauges say now, summed by these labels. */
  latest(
    selector: Selector,
    by: readonly string[],
  ): Promise<readonly Reading[]>;
}

/** How long to wait for the scrape that tells what has happened until now: Linkerd's interval. */
const SETTLED_AFTER_MS = 10_000;

/** When the last whole step ended. Steps begin at multiples of their length, so that a graph moves by whole ones. */
export function seriesEnd(nowMs: number, stepMs: number): number {
  return Math.floor((nowMs - SETTLED_AFTER_MS) / stepMs) * stepMs;
}
