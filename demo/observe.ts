import { formatIdentity } from "../schemas/identity.ts";
import type { Pod } from "./bed/pod.ts";
import { REALM } from "./bed/proxy-environment.ts";
import { aggregateEdges, type Edge, type Scrape } from "./edges.ts";
import { parseMetrics, since } from "./metrics.ts";

/** All proxies' metrics at one moment. */
export interface Snapshot {
  readonly atMs: number;
  readonly scrapes: readonly Scrape[];
}

/** Reads the metrics of the pods' proxies; those without one, or whose proxy is away for now, are left out. */
export async function takeSnapshot(pods: readonly Pod[]): Promise<Snapshot> {
  const scrapes = await Promise.all(pods.map(async (pod) => {
    const page = await pod.proxy?.metrics().catch(() => null) ?? null;
    if (page === null) return [];
    return [{
      pod: pod.name,
      identity: formatIdentity(pod, REALM),
      samples: parseMetrics(page),
    }];
  }));
  return { atMs: performance.now(), scrapes: scrapes.flat() };
}

/** What went on between two snapshots, and for how long. */
export interface Span {
  readonly edges: readonly Edge[];
  readonly seconds: number;
}

/** The edges' figures from `start` to `end`. */
export function compare(start: Snapshot, end: Snapshot): Span {
  const scrapes = end.scrapes.map((scrape) => {
    const earlier = start.scrapes.find(({ pod }) => pod === scrape.pod);
    return {
      ...scrape,
      samples: since(scrape.samples, earlier?.samples ?? []),
    };
  });
  return {
    edges: aggregateEdges(scrapes),
    seconds: (end.atMs - start.atMs) / 1000,
  };
}
