/**
 * One counter or gauge under one label set: hot paths do `series.value += 1` and nothing else.
 *
 * Taken from a family with `with`, held for as long as it is used (a connection, an endpoint), and given back with
 * `release`; a series that nobody holds is dropped by the registry once it has not changed for a while.
 */
export class Series {
  value = 0;
  /** Label text as printed, without braces. */
  readonly labels: string;
  /** Holders; kept by `with` and `release`. */
  holders = 0;
  /** The value at the last sweep; NaN before the first, so that a new series counts as changed. */
  swept = NaN;
  /** When a sweep last saw the value changed. */
  changedAtMs = 0;

  constructor(labels: string) {
    this.labels = labels;
  }

  /** Gives the series back; it must not be written to any more. */
  release(): void {
    this.holders -= 1;
  }
}

/** A distribution under one label set; `value` is the number of observations. Held and released as a `Series` is. */
export class Histogram {
  value = 0;
  sum = 0;
  readonly labels: string;
  /** Observations per bucket, not cumulated; the last one is above every bound. */
  readonly counts: Float64Array;
  holders = 0;
  swept = NaN;
  changedAtMs = 0;
  readonly #bounds: Float64Array;

  constructor(labels: string, bounds: Float64Array) {
    this.labels = labels;
    this.#bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  /** Counts one value into the bucket whose bound is the lowest that is not below it. */
  observe(x: number): void {
    const bounds = this.#bounds;
    const last = bounds.length;
    let at = 0;
    // Linear, because most observations are small and end at the first bounds; a binary search was slower (decision 31).
    while (at < last && x > (bounds[at] as number)) at++;
    this.counts[at] = (this.counts[at] as number) + 1;
    this.sum += x;
    this.value += 1;
  }

  release(): void {
    this.holders -= 1;
  }
}
