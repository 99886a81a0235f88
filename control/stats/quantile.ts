import type { Bucket } from "./readings.ts";

/**
 * The value that a share `q` of the observations is not above, by Prometheus' rule: linear within a bucket, and of the
 * last bucket the bound of the one before. Null without observations.
 */
export function quantile(
  q: number,
  buckets: readonly Bucket[],
): number | null {
  let total = 0;
  for (const { count } of buckets) total += count;
  if (total === 0) return null;
  const rank = q * total;
  let below = 0;
  let lower = 0;
  for (const { bound, count } of buckets) {
    if (below + count >= rank) {
      if (bound === Infinity) return lower;
      return lower + (bound - lower) * ((rank - below) / count);
    }
    below += count;
    lower = bound;
  }
  return lower;
}
