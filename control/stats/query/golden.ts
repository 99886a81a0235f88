import type { Golden, Latency } from "../../../schemas/stats.ts";
import { quantile } from "../quantile.ts";
import type { Bucket, Labels, Reading, Readings } from "../readings.ts";

/** Where requests are counted, and which label says how one ended. */
export interface GoldenSource {
  readonly responses: string;
  readonly latency: string;
  /** How many of the histogram's units are a millisecond. */
  readonly perMs: number;
}

export const RESPONSES: GoldenSource = {
  responses: "response_total",
  latency: "response_latency_ms",
  perMs: 1,
};

/** Golden metrics of every group of series, by the values of its labels. */
export async function readGolden(
  readings: Readings,
  source: GoldenSource,
  matchers: Parameters<Readings["increase"]>[0]["labels"],
  by: readonly string[],
  windowMs: number,
): Promise<ReadonlyMap<string, Golden & { readonly labels: Labels }>> {
  const [responses, latencies] = await Promise.all([
    readings.increase(
      { metric: source.responses, labels: matchers },
      [...by, "classification", "tls"],
      windowMs,
    ),
    readings.distribution(
      { metric: source.latency, labels: matchers },
      by,
      windowMs,
    ),
  ]);
  const groups = new Map<
    string,
    { labels: Labels; sums: Sums; buckets: readonly Bucket[] }
  >();
  const of = (labels: Labels) => {
    const own = Object.fromEntries(
      by.map((name) => [name, labels[name] ?? ""]),
    );
    const key = keyOf(own, by);
    let group = groups.get(key);
    if (group === undefined) {
      const sums = { success: 0, failure: 0, secured: 0 };
      groups.set(key, group = { labels: own, sums, buckets: [] });
    }
    return group;
  };
  for (const reading of responses) {
    addResponses(of(reading.labels).sums, reading);
  }
  for (const { labels, buckets } of latencies) of(labels).buckets = buckets;
  return new Map(
    [...groups].map(([key, { labels, sums, buckets }]) =>
      [
        key,
        { labels, ...sums, latencyMs: latencyOf(buckets, source.perMs) },
      ] as const
    ),
  );
}

/** What groups of the same labels are called. */
export function keyOf(labels: Labels, by: readonly string[]): string {
  return JSON.stringify(by.map((name) => labels[name] ?? ""));
}

type Sums = { success: number; failure: number; secured: number };

function addResponses(sums: Sums, { labels, value }: Reading): void {
  if (labels["classification"] === "success") sums.success += value;
  else sums.failure += value;
  if (labels["tls"] === "true") sums.secured += value;
}

/** The quantiles that everybody looks at. */
export function latencyOf(
  buckets: readonly Bucket[],
  perMs: number,
): Latency | null {
  const at = (q: number) => quantile(q, buckets);
  const [p50, p95, p99] = [at(0.5), at(0.95), at(0.99)];
  if (p50 === null || p95 === null || p99 === null) return null;
  return { p50: p50 / perMs, p95: p95 / perMs, p99: p99 / perMs };
}
