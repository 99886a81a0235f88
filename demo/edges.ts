import type { Sample } from "./metrics.ts";

/** Who talks to whom, how, and how well. */
export interface Edge {
  /** Pods by name; `unmeshed` for a client that no proxy speaks for. */
  readonly src: string;
  readonly dst: string;
  readonly protocol: "http" | "grpc" | "tcp";
  readonly secured: boolean;
  readonly tls: "TLSv1.3" | null;
  readonly clientId: string | null;
  readonly serverId: string | null;
  /** Responses; of `tcp`, connections opened. */
  readonly requests: number;
  /** Of those, how many the destination's policy denied. */
  readonly denied: number;
  /** Between 0 and 1; of `tcp`, the share of connections that were not broken. What was denied is no success. */
  readonly successRate: number;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
}

/** The metrics page of a pod's proxy. */
export interface Scrape {
  readonly pod: string;
  readonly identity: string;
  readonly samples: readonly Sample[];
}

/**
 * The edges that proxies' metrics tell of. Calls of meshed pods are read at their source, where the endpoint is known;
 * at the destination only the plaintext of clients without a proxy, whose names nobody knows. A client's identity is
 * shown when the destination's own proxy says that it has verified it.
 */
export function aggregateEdges(scrapes: readonly Scrape[]): Edge[] {
  const outgoing = scrapes.flatMap(({ pod, identity, samples }) => {
    const groups = groupByPeer(samples, "outbound");
    return groups.map((group) => {
      const dst = nameEndpoint(group.labels);
      const server = scrapes.find((scrape) => scrape.pod === dst);
      const verified = group.secured && server !== undefined &&
        hasVerified(server, identity);
      const denied = countDenied(
        server?.samples ?? [],
        group.secured ? identity : null,
      );
      return measure(group, {
        src: pod,
        dst,
        clientId: verified ? identity : null,
        serverId: group.secured ? group.labels["server_id"] ?? null : null,
      }, denied);
    });
  });
  const incoming = scrapes.flatMap(({ pod, samples }) =>
    groupByPeer(samples, "inbound").filter(({ secured }) => !secured)
      .map((group) =>
        measure(group, {
          src: "unmeshed",
          dst: pod,
          clientId: null,
          serverId: null,
        }, 0)
      )
  );
  return [...outgoing, ...incoming].sort((a, b) =>
    a.src.localeCompare(b.src) || a.dst.localeCompare(b.dst)
  );
}

/** All series between a proxy and one address, under one state of TLS. */
interface Group {
  readonly labels: Sample["labels"];
  readonly secured: boolean;
  readonly samples: Sample[];
}

const FAMILIES = new Set([
  "response_total",
  "response_latency_ms_bucket",
  "tcp_open_total",
  "tcp_close_total",
]);

function groupByPeer(
  samples: readonly Sample[],
  direction: "outbound" | "inbound",
): Group[] {
  const groups = new Map<string, Group>();
  for (const sample of samples) {
    const { labels } = sample;
    if (!FAMILIES.has(sample.name) || labels["direction"] !== direction) {
      continue;
    }
    // Of a relayed connection both sides are counted; only the one across the network matters.
    const side = direction === "outbound" ? "dst" : "src";
    if ((labels["peer"] ?? side) !== side) continue;
    const { tls = "", server_id = "", target_addr = "" } = labels;
    const key = [tls, server_id, target_addr].join(" ");
    const group = groups.get(key) ??
      { labels, secured: tls === "true", samples: [] };
    group.samples.push(sample);
    groups.set(key, group);
  }
  return [...groups.values()];
}

function nameEndpoint(labels: Sample["labels"]): string {
  return labels["dst_pod"] ?? labels["dst_service"] ?? labels["target_addr"] ??
    "unknown";
}

function hasVerified(server: Scrape, identity: string): boolean {
  return server.samples.some(({ labels }) =>
    labels["direction"] === "inbound" && labels["tls"] === "true" &&
    labels["client_id"] === identity
  );
}

/** Requests and connections of a client that a server's policy denied; null: of clients without an identity. */
function countDenied(
  samples: readonly Sample[],
  identity: string | null,
): number {
  return sum(
    samples.filter(({ name, labels }) =>
      DENIALS.has(name) && (labels["client_id"] ?? null) === identity
    ),
  );
}

const DENIALS = new Set([
  "inbound_http_authz_deny_total",
  "inbound_tcp_authz_deny_total",
]);

type Ends = Pick<Edge, "src" | "dst" | "clientId" | "serverId">;

function measure(group: Group, ends: Ends, denied: number): Edge {
  const of = (name: string): Sample[] =>
    group.samples.filter((sample) => sample.name === name);
  const responses = of("response_total");
  const buckets = of("response_latency_ms_bucket");
  const isGrpc = responses.some(({ labels }) =>
    (labels["grpc_status"] ?? "") !== ""
  );
  const opened = sum(of("tcp_open_total"));
  const broken = sum(
    of("tcp_close_total").filter(({ labels }) =>
      (labels["errno"] ?? "") !== ""
    ),
  );
  const requests = sum(responses);
  const succeeded = sum(
    responses.filter(({ labels }) => labels["classification"] === "success"),
  );
  const isTcp = responses.length === 0;
  return {
    src: ends.src,
    dst: ends.dst,
    protocol: isTcp ? "tcp" : isGrpc ? "grpc" : "http",
    secured: group.secured,
    // Our proxies offer and accept no other version.
    tls: group.secured ? "TLSv1.3" : null,
    clientId: ends.clientId,
    serverId: ends.serverId,
    requests: isTcp ? opened : requests,
    denied,
    // Of gRPC a denial is a failure by its status, of HTTP a 403 like any other.
    successRate: isTcp
      ? share(opened - Math.max(broken, denied), opened)
      : share(isGrpc ? succeeded : succeeded - denied, requests),
    p50Ms: round(quantile(buckets, 0.5)),
    p95Ms: round(quantile(buckets, 0.95)),
    p99Ms: round(quantile(buckets, 0.99)),
  };
}

function sum(samples: readonly Sample[]): number {
  return samples.reduce((total, { value }) => total + value, 0);
}

/** Buckets are a millisecond wide at least: more than microseconds would be a pretence. */
function round(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms * 1000) / 1000;
}

/** Of nothing, all went well. */
function share(part: number, whole: number): number {
  // Two pages are not read at the same moment: a denial may be there before its answer.
  return whole === 0 ? 1 : Math.min(1, Math.max(0, part / whole));
}

/** As Prometheus' histogram_quantile: evenly spread within a bucket; null when the histogram is empty. */
export function quantile(
  buckets: readonly Sample[],
  rank: number,
): number | null {
  const counts = new Map<number, number>();
  for (const { labels, value } of buckets) {
    const bound = labels["le"] === "+Inf" ? Infinity : Number(labels["le"]);
    counts.set(bound, (counts.get(bound) ?? 0) + value);
  }
  const ordered = [...counts].sort(([a], [b]) => a - b);
  const total = ordered.at(-1)?.[1] ?? 0;
  if (total === 0) return null;
  const wanted = rank * total;
  let lower = { bound: 0, count: 0 };
  for (const [bound, count] of ordered) {
    if (count >= wanted) {
      if (bound === Infinity) return lower.bound;
      const within = (wanted - lower.count) / Math.max(1, count - lower.count);
      return lower.bound + within * (bound - lower.bound);
    }
    lower = { bound, count };
  }
  return lower.bound;
}
