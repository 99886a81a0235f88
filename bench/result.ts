/** Latencies of the requests of one run, in milliseconds. */
export interface Latency {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
}

/** What a load generator saw in one run. */
export interface Load {
  readonly seconds: number;
  /** Requests answered; null where the load is not made of requests. */
  readonly requests: number | null;
  readonly failed: number;
  readonly latency: Latency | null;
  /** Bytes of payload received; null where they are not the point. */
  readonly bytes: number | null;
}

/** What the proxies of a subject cost during one run. */
export interface Cost {
  /** CPU time of all its proxies together. */
  readonly cpuMs: number;
  /** Of the larger proxy. */
  readonly rssMb: number;
  /** Null where it cannot be known. */
  readonly privateDirtyMb: number | null;
}

/** One round of one subject; the cost is null where there is no proxy. */
export interface Sample {
  readonly load: Load;
  readonly cost: Cost | null;
}

/** A line of the result: medians over rounds, null where a figure has no meaning. */
export interface Row {
  readonly case: string;
  readonly subject: string;
  readonly rps: number | null;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly p999Ms: number | null;
  /** Of all rounds together: a median would hide the round that failed. */
  readonly failed: number;
  readonly cpuMsPer1000: number | null;
  readonly rssMb: number | null;
  readonly privateDirtyMb: number | null;
  readonly mbPerS: number | null;
}

/** The row of one subject in one case. */
export function summarize(
  caseName: string,
  subject: string,
  samples: readonly Sample[],
): Row {
  const middle = (
    figure: (sample: Sample) => number | null | undefined,
    digits: number,
  ): number | null => {
    const figures = samples.map(figure)
      .filter((one) => one !== null && one !== undefined);
    return figures.length === 0 ? null : round(median(figures), digits);
  };
  return {
    case: caseName,
    subject,
    rps: middle(({ load }) => perSecond(load.requests, load), 0),
    p50Ms: middle(({ load }) => load.latency?.p50Ms, 3),
    p99Ms: middle(({ load }) => load.latency?.p99Ms, 3),
    p999Ms: middle(({ load }) => load.latency?.p999Ms, 3),
    failed: samples.reduce((sum, { load }) => sum + load.failed, 0),
    cpuMsPer1000: middle(cpuPer1000, 2),
    rssMb: middle(({ cost }) => cost?.rssMb, 1),
    privateDirtyMb: middle(({ cost }) => cost?.privateDirtyMb, 1),
    mbPerS: middle(({ load }) => perSecond(load.bytes, load, 1e6), 0),
  };
}

/** The middle figure, or the mean of the two in the middle; of none it is NaN. */
export function median(figures: readonly number[]): number {
  const sorted = figures.toSorted((a, b) => a - b);
  const low = sorted[(sorted.length - 1) >> 1] ?? NaN;
  const high = sorted[sorted.length >> 1] ?? NaN;
  return (low + high) / 2;
}

/** Latencies out of a list of milliseconds, which it sorts in place; null of none. */
export function latencyOf(durationsMs: Float64Array): Latency | null {
  if (durationsMs.length === 0) return null;
  durationsMs.sort();
  const at = (share: number): number =>
    durationsMs[
      Math.min(durationsMs.length - 1, Math.floor(durationsMs.length * share))
    ] ?? NaN;
  return { p50Ms: at(0.5), p99Ms: at(0.99), p999Ms: at(0.999) };
}

function perSecond(
  amount: number | null,
  load: Load,
  unit = 1,
): number | null {
  return amount === null ? null : amount / load.seconds / unit;
}

function cpuPer1000({ load, cost }: Sample): number | null {
  if (cost === null || load.requests === null || load.requests === 0) {
    return null;
  }
  return cost.cpuMs / load.requests * 1000;
}

function round(figure: number, digits: number): number {
  return Number(figure.toFixed(digits));
}
