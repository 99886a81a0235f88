/** Each bucket is 1 % wider than the one before: percentiles are that exact, from 1 us to days, in 20 KB. */
const GROWTH = Math.log(1.01);
const BUCKETS = 2_600;

/** Latencies, counted rather than kept: memory does not grow with the load. */
export interface Latencies {
  record(ms: number): void;
  summarize(): LatencySummary;
}

/** Milliseconds; all 0 when nothing was recorded. */
export interface LatencySummary {
  readonly mean: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** An empty record of latencies. */
export function createLatencies(): Latencies {
  const counts = new Float64Array(BUCKETS);
  let total = 0;
  let sum = 0;
  let max = 0;
  const quantile = (share: number): number => {
    const rank = share * total;
    let seen = 0;
    for (const [bucket, count] of counts.entries()) {
      seen += count;
      if (count > 0 && seen >= rank) {
        return round(Math.min(max, Math.exp(bucket * GROWTH) / 1000));
      }
    }
    return 0;
  };
  return {
    record(ms) {
      const bucket = Math.ceil(Math.log(Math.max(1, ms * 1000)) / GROWTH);
      const at = Math.min(BUCKETS - 1, bucket);
      counts[at] = (counts[at] ?? 0) + 1;
      total++;
      sum += ms;
      max = Math.max(max, ms);
    },
    summarize: () => ({
      mean: total === 0 ? 0 : round(sum / total),
      p50: quantile(0.5),
      p95: quantile(0.95),
      p99: quantile(0.99),
      p999: quantile(0.999),
      max: round(max),
    }),
  };
}

function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
