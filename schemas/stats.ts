/** Answers about golden metrics: what the metrics component says and the command line shows. All are over a window. */

/** What happened to requests. */
export interface Golden {
  readonly success: number;
  readonly failure: number;
  /** Of both, those that came over mutual TLS. */
  readonly secured: number;
  /** Null without any. */
  readonly latencyMs: Latency | null;
}

export interface Latency {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/** A workload or Service. */
export interface StatRow {
  /** As Kubernetes calls it, in lower case. */
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** Null for what has no pods: a Service. */
  readonly pods: { readonly meshed: number; readonly running: number } | null;
  /** Null without a request. */
  readonly golden: Golden | null;
  readonly tcp: Tcp | null;
  /** There for policy resources. */
  readonly policy?: PolicyCounts;
}

/** Decisions about requests by a policy resource. */
export interface PolicyCounts {
  /** The Server of a route; null for what has none, or is one. */
  readonly server: string | null;
  readonly allowed: number;
  readonly denied: number;
}

export interface Tcp {
  /** Now. */
  readonly open: number;
  readonly readBytes: number;
  readonly writtenBytes: number;
}

/** Who talks to whom now. */
export interface Edge {
  readonly source: string;
  readonly sourceNamespace: string;
  readonly target: string;
  readonly targetNamespace: string;
  /** ServiceAccount and namespace of the source, as its certificate names them; "" without mutual TLS. */
  readonly clientId: string;
  /** The name that the target's certificate has; "" without mutual TLS. */
  readonly serverId: string;
  /** Why there is no mutual TLS, in the proxy's word; "" when there is. */
  readonly noTlsReason: string;
  readonly connections: number;
}

/** What a policy or route is called; a default one has the kind `default`. */
export interface Named {
  readonly kind: string;
  readonly name: string;
}

/** What a workload was asked on one of its Servers' routes. */
export interface InboundRow {
  readonly namespace: string;
  readonly name: string;
  readonly server: Named;
  readonly port: string;
  readonly route: Named;
  /** What permitted it; null when nothing is said of that. */
  readonly authorization: Named | null;
  readonly golden: Golden;
  /** Requests that were denied. */
  readonly denied: number;
}

/** What a workload asked of a Service by one route; with a backend, the part of it that went there. */
export interface OutboundRow {
  readonly namespace: string;
  readonly name: string;
  readonly service: NamedPort;
  readonly route: Named;
  readonly backend: NamedPort | null;
  readonly success: number;
  readonly failure: number;
  readonly timeouts: number;
  readonly retries: number;
  readonly latencyMs: Latency | null;
}

export interface NamedPort extends Named {
  readonly port: string;
}

/** Requests on a route of a ServiceProfile. */
export interface ProfileRouteRow {
  readonly route: string;
  /** The Service's authority. */
  readonly service: string;
  readonly golden: Golden;
  /** With what was sent again; null on the receiving side, which cannot tell. */
  readonly actual: Pick<Golden, "success" | "failure"> | null;
}

/** A meshed pod, and whether metrics of its proxy come in. */
export interface ProxyRow {
  readonly namespace: string;
  readonly name: string;
  readonly hasMetrics: boolean;
}
