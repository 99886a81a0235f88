import type { Golden } from "../../../schemas/stats.ts";
import type { Labels, Matcher, Readings } from "../readings.ts";
import { latencyOf, RESPONSES } from "./golden.ts";
import { type Owner, ownerKey, type Ownership, ownerships } from "./owner.ts";
import { checkWindow } from "./window.ts";

/** What one workload sent to another, of whatever kinds they are. */
export interface Link extends Golden {
  readonly source: Owner;
  readonly target: Owner;
  /** Open now. */
  readonly connections: number;
  /** Why connections have no mutual TLS, in the proxy's words; empty when all have it. */
  readonly noTlsReasons: readonly string[];
}

/** Who talks to whom, as the senders' proxies see it; throws `request.invalid`. */
export async function readLinks(
  windowMs: number,
  readings: Readings,
): Promise<readonly Link[]> {
  checkWindow(windowMs);
  const links = new Map<string, Growing>();
  const pairs = ownerships("").flatMap((source) =>
    ownerships("dst_").map((target) => ({ source, target }))
  );
  await Promise.all(
    pairs.map((pair) => addPair(links, pair, windowMs, readings)),
  );
  return [...links].sort(([a], [b]) => a < b ? -1 : 1)
    .map(([, { link, bounds }]) => ({
      ...link,
      latencyMs: latencyOf(
        [...bounds].sort(([a], [b]) => a - b)
          .map(([bound, count]) => ({ bound, count })),
        RESPONSES.perMs,
      ),
    }));
}

/** A link to which several series add. */
interface Growing {
  readonly link: { -readonly [K in keyof Link]: Link[K] };
  /** Responses by how long they took at most. */
  readonly bounds: Map<number, number>;
}

async function addPair(
  links: Map<string, Growing>,
  { source, target }: { source: Ownership; target: Ownership },
  windowMs: number,
  readings: Readings,
): Promise<void> {
  const by = [...source.by, ...target.by];
  const labels: readonly Matcher[] = [
    { label: "direction", is: "=", value: "outbound" },
    ...source.matchers,
    ...target.matchers,
  ];
  const [responses, latencies, connections] = await Promise.all([
    readings.increase(
      { metric: RESPONSES.responses, labels },
      [...by, "classification", "tls"],
      windowMs,
    ),
    readings.distribution({ metric: RESPONSES.latency, labels }, by, windowMs),
    readings.latest({
      metric: "tcp_open_connections",
      labels: [...labels, { label: "peer", is: "=", value: "dst" }],
    }, [...by, "no_tls_reason"]),
  ]);
  const grow = (labels: Labels, add: (growing: Growing) => void) => {
    const from = source.ownerOf(labels);
    const to = target.ownerOf(labels);
    if (from !== null && to !== null) add(growingOf(links, from, to));
  };
  for (const { labels, value } of responses) {
    if (value === 0) continue;
    grow(labels, ({ link }) => {
      if (labels["classification"] === "success") link.success += value;
      else link.failure += value;
      if (labels["tls"] === "true") link.secured += value;
    });
  }
  for (const { labels, buckets } of latencies) {
    if (buckets.every(({ count }) => count === 0)) continue;
    grow(labels, ({ bounds }) => {
      for (const { bound, count } of buckets) {
        bounds.set(bound, (bounds.get(bound) ?? 0) + count);
      }
    });
  }
  for (const { labels, value } of connections) {
    if (value === 0) continue;
    grow(labels, ({ link }) => {
      link.connections += value;
      const reason = labels["no_tls_reason"] ?? "";
      if (reason === "" || link.noTlsReasons.includes(reason)) return;
      link.noTlsReasons = [...link.noTlsReasons, reason].sort();
    });
  }
}

function growingOf(
  links: Map<string, Growing>,
  source: Owner,
  target: Owner,
): Growing {
  const key = JSON.stringify([source, target].map(ownerKey));
  let growing = links.get(key);
  if (growing === undefined) {
    const nothing = { success: 0, failure: 0, secured: 0, latencyMs: null };
    const link = {
      source,
      target,
      ...nothing,
      connections: 0,
      noTlsReasons: [],
    };
    links.set(key, growing = { link, bounds: new Map() });
  }
  return growing;
}

/** Whether all of it was over mutual TLS. */
export function isSecured(
  { success, failure, secured, noTlsReasons }: Link,
): boolean {
  // Sums over windows are no whole numbers.
  return noTlsReasons.length === 0 && secured >= (success + failure) * 0.9999;
}
