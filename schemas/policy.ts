import type { Network } from "./address.ts";
import type {
  GrpcFailure,
  GrpcMatch,
  HostMatch,
  HttpFailure,
  HttpMatch,
  Redirect,
  RequestHeaders,
} from "./route.ts";

/** What a policy, route or backend is named after: a Kubernetes object or a built-in default. */
export type Meta =
  | { readonly kind: "default"; readonly name: string }
  | { readonly kind: "resource"; readonly resource: Resource };

export interface Resource {
  readonly group: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
  readonly section: string;
  /** 0 when the resource is not about one port. */
  readonly port: number;
}

/** Who may call: server policy of one inbound port, from `InboundServerPolicies`. */
export interface ServerPolicy {
  readonly protocol: ServerProtocol;
  /** They permit connections, and requests on every route. */
  readonly authorizations: readonly Authorization[];
  /** Metric labels `srv_group`, `srv_kind`, `srv_name`. */
  readonly meta: ServerMeta;
}

export interface ServerMeta {
  readonly group: string;
  readonly kind: string;
  readonly name: string;
}

export type ServerProtocol =
  | HttpServer & { readonly kind: "detect"; readonly timeoutMs: number }
  | HttpServer & { readonly kind: "http1" | "http2" }
  | { readonly kind: "grpc"; readonly routes?: readonly InboundGrpcRoute[] }
  | { readonly kind: "opaque" | "tls" };

/** What holds for a port's HTTP requests. */
export interface HttpServer {
  /** Absent: one default route takes every request. Empty: no request has a route, each is answered 404. */
  readonly routes?: readonly InboundHttpRoute[];
  /** Absent: as many requests as come. */
  readonly rateLimit?: RateLimit;
}

/** Requests that the policy's authorizations permit, and beyond them those of the route. Of equally good routes the first holds. */
export interface InboundHttpRoute {
  readonly meta: Meta;
  /** Empty: any. */
  readonly hosts: readonly HostMatch[];
  readonly authorizations: readonly Authorization[];
  readonly rules: readonly InboundHttpRule[];
}

export interface InboundHttpRule {
  /** Any of these; empty: every request. */
  readonly matches: readonly HttpMatch[];
  /** In this order. A filter that is not understood becomes a failure of every request. */
  readonly filters: readonly (RequestHeaders | Redirect | HttpFailure)[];
}

/** The same for gRPC. */
export interface InboundGrpcRoute {
  readonly meta: Meta;
  readonly hosts: readonly HostMatch[];
  readonly authorizations: readonly Authorization[];
  readonly rules: readonly InboundGrpcRule[];
}

export interface InboundGrpcRule {
  readonly matches: readonly GrpcMatch[];
  readonly filters: readonly (RequestHeaders | GrpcFailure)[];
}

/** How many requests per second a proxy lets through; null: as many as come. */
export interface RateLimit {
  /** Metric labels `ratelimit_group`, `ratelimit_kind`, `ratelimit_name`. */
  readonly meta: Meta;
  /** Of all clients together. */
  readonly totalPerSecond: number | null;
  /** Of each identity; clients without one share it. */
  readonly identityPerSecond: number | null;
  /** Instead of that, for each of these identities; the first that names an identity holds. */
  readonly overrides: readonly RateLimitOverride[];
}

export interface RateLimitOverride {
  readonly perSecond: number;
  readonly identities: ReadonlySet<string>;
}

/** Permits clients of some networks that authenticate in some way. */
export interface Authorization {
  readonly networks: readonly NetworkMatch[];
  readonly authentication: Authentication;
  /** Metric labels `authz_group`, `authz_kind`, `authz_name`. */
  readonly meta: ServerMeta;
}

export interface NetworkMatch {
  readonly network: Network;
  readonly except: readonly Network[];
}

export type Authentication =
  | { readonly kind: "unauthenticated" }
  /** Mutual TLS by any client, named or not. */
  | { readonly kind: "tls" }
  /** Mutual TLS by one of these identities, or by a DNS one that ends with a suffix: `.ns.domain`, or empty for any. */
  | {
    readonly kind: "identities";
    readonly identities: ReadonlySet<string>;
    readonly suffixes: readonly string[];
  };
