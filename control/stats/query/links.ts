import type { Golden } from "../../../schemas/stats.ts";
import type { Matcher, Reading, Readings } from "../readings.ts";
import { type Owner, ownerKey, type Ownership, ownerships } from "./owner.ts";
import { checkWindow } from "./window.ts";

/** What one workload sent to another, of whatever kinds they are. */
export interface Link extends Pick<Golden, "success" | "failure" | "secured"> {
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
  const links = new Map<string, Writable<Link>>();
  const pairs = ownerships("").flatMap((source) =>
    ownerships("dst_").map((target) => ({ source, target }))
  );
  await Promise.all(
    pairs.map((pair) => addPair(links, pair, windowMs, readings)),
  );
  return [...links].sort(([a], [b]) => a < b ? -1 : 1).map(([, link]) => link);
}

async function addPair(
  links: Map<string, Writable<Link>>,
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
  const [responses, connections] = await Promise.all([
    readings.increase(
      { metric: "response_total", labels },
      [...by, "classification", "tls"],
      windowMs,
    ),
    readings.latest({
      metric: "tcp_open_connections",
      labels: [...labels, { label: "peer", is: "=", value: "dst" }],
    }, [...by, "no_tls_reason"]),
  ]);
  const each = (
    found: readonly Reading[],
    add: (link: Writable<Link>, reading: Reading) => void,
  ) => {
    for (const reading of found) {
      const from = source.ownerOf(reading.labels);
      const to = target.ownerOf(reading.labels);
      if (from === null || to === null || reading.value === 0) continue;
      add(linkOf(links, from, to), reading);
    }
  };
  each(responses, (link, { labels, value }) => {
    if (labels["classification"] === "success") link.success += value;
    else link.failure += value;
    if (labels["tls"] === "true") link.secured += value;
  });
  each(connections, (link, { labels, value }) => {
    link.connections += value;
    const reason = labels["no_tls_reason"] ?? "";
    if (reason === "" || link.noTlsReasons.includes(reason)) return;
    link.noTlsReasons = [...link.noTlsReasons, reason].sort();
  });
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

function linkOf(
  links: Map<string, Writable<Link>>,
  source: Owner,
  target: Owner,
): Writable<Link> {
  const key = JSON.stringify([source, target].map(ownerKey));
  let link = links.get(key);
  if (link === undefined) {
    links.set(
      key,
      link = {
        source,
        target,
        success: 0,
        failure: 0,
        secured: 0,
        connections: 0,
        noTlsReasons: [],
      },
    );
  }
  return link;
}

/** Whether all of it was over mutual TLS. */
export function isSecured(
  { success, failure, secured, noTlsReasons }: Link,
): boolean {
  // Sums over windows are no whole numbers.
  return noTlsReasons.length === 0 && secured >= (success + failure) * 0.9999;
}
