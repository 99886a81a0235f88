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
  /** What gauges say now, summed by these labels. */
  latest(
    selector: Selector,
    by: readonly string[],
  ): Promise<readonly Reading[]>;
}
