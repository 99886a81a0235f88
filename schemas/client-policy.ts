import type { Endpoint } from "./destination.ts";
import type { Meta } from "./policy.ts";
import type {
  GrpcFailure,
  GrpcMatch,
  HostMatch,
  HttpFailure,
  HttpMatch,
  Redirect,
  RequestHeaders,
  ResponseHeaders,
} from "./route.ts";

/** How to call a target: client policy, from `OutboundPolicies`. */
export interface ClientPolicy {
  readonly parent: Meta;
  readonly protocol: ClientProtocol;
}

export type ClientProtocol =
  | {
    readonly kind: "detect";
    readonly timeoutMs: number;
    /** For both versions of HTTP. */
    readonly http: ClientRoutes<HttpRoute>;
    readonly opaque: OpaqueRoute;
  }
  | {
    readonly kind: "http1" | "http2";
    readonly http: ClientRoutes<HttpRoute>;
  }
  | { readonly kind: "grpc"; readonly grpc: ClientRoutes<GrpcRoute> }
  | { readonly kind: "opaque"; readonly opaque: OpaqueRoute }
  | { readonly kind: "tls"; readonly tls: readonly TlsRoute[] };

/** Of equally good routes the first holds. No routes: no request has one. */
export interface ClientRoutes<R> {
  readonly routes: readonly R[];
  /** When endpoints are left out for a while; null: never. It covers every backend of the routes. */
  readonly accrual: FailureAccrual | null;
}

export type HttpRoute = ClientRoute<
  HttpMatch,
  HttpFilter,
  readonly StatusRange[]
>;
/** Conditions of retries are gRPC codes. */
export type GrpcRoute = ClientRoute<
  GrpcMatch,
  GrpcFilter,
  ReadonlySet<number>
>;

export type HttpFilter =
  | RequestHeaders
  | ResponseHeaders
  | Redirect
  | HttpFailure;
export type GrpcFilter = RequestHeaders | GrpcFailure;

export interface ClientRoute<M, F, C> {
  readonly meta: Meta;
  /** Empty: any. */
  readonly hosts: readonly HostMatch[];
  readonly rules: readonly ClientRule<M, F, C>[];
}

export interface ClientRule<M, F, C> {
  /** Any of these; empty: every request. */
  readonly matches: readonly M[];
  /** In this order, before those of the backend, at each attempt. */
  readonly filters: readonly F[];
  readonly backends: Distribution<F>;
  readonly timeouts: Timeouts;
  readonly retry: Retry<C> | null;
  /** Whether requests may say in `l5d-*` fields how they are retried and timed out. */
  readonly allowsRequestFields: boolean;
}

/** Inclusive. */
export interface StatusRange {
  readonly start: number;
  readonly end: number;
}

/** Milliseconds; null: no limit. */
export interface Timeouts {
  /** From the head of the request to the end of the response, over all attempts. */
  readonly requestMs: number | null;
  /** From the end of the request to the end of the response. */
  readonly responseMs: number | null;
  /** Without a frame in either direction. */
  readonly idleMs: number | null;
}

export interface Retry<C> {
  /** Attempts beyond the first. */
  readonly limit: number;
  /** Requests with a longer body are sent once. */
  readonly maxBodyBytes: number;
  readonly conditions: C;
  /** From the end of the request to the head of the response, of each attempt but the last. */
  readonly timeoutMs: number | null;
  /** Between attempts; null: none. */
  readonly backOff: BackOff | null;
}

/** Doubles from `minMs` to `maxMs`; up to `jitter` times itself is added, within `maxMs`. */
export interface BackOff {
  readonly minMs: number;
  readonly maxMs: number;
  readonly jitter: number;
}

/** `first`: the first backend that is available; `random`: any available one, by weight. */
export interface Distribution<F> {
  readonly kind: "first" | "random";
  /** None: nothing is available. */
  readonly backends: readonly RouteBackend<F>[];
}

export interface RouteBackend<F> {
  readonly backend: Backend;
  /** Of 0 it gets nothing; not looked at by `first`. */
  readonly weight: number;
  readonly filters: readonly F[];
}

/** Where a route sends to: one address, a balancer over a discovered destination, or nowhere, as what it names is not there. */
export type Backend =
  | {
    readonly kind: "forward";
    readonly meta: Meta;
    readonly endpoint: Endpoint;
  }
  | {
    readonly kind: "balancer";
    readonly meta: Meta;
    readonly path: string;
    readonly load: Load;
  }
  | { readonly kind: "nowhere"; readonly meta: Meta };

/** Peak-EWMA parameters. */
export interface Load {
  readonly defaultRttMs: number;
  readonly decayMs: number;
  /** What a failed response counts as; null: as long as it took. */
  readonly penalty: Penalty | null;
}

export interface Penalty {
  readonly penaltyMs: number;
  /** The longest `retry-after` that is heeded. */
  readonly maxRetryAfterMs: number;
}

/** When an endpoint is left out, and how long: until a single request after the back-off succeeds. */
export type FailureAccrual =
  | {
    readonly kind: "consecutive";
    readonly maxFailures: number;
    readonly backOff: BackOff;
  }
  | {
    readonly kind: "unified";
    /** 0: failures in a row do not count. */
    readonly maxFailures: number;
    /** From 0 to 1; 0: the rate does not count. */
    readonly successRate: number;
    readonly windowMs: number;
    readonly minRequests: number;
    readonly backOff: BackOff;
    /** Whether `retry-after` lengthens the back-off; Linkerd's proxy does not heed it. */
    readonly heedsRetryAfter: boolean;
  };

/** Raw bytes, and TLS that is passed on as it is. */
export interface OpaqueRoute {
  readonly meta: Meta;
  /** Null: nothing is let through. */
  readonly rule: TcpRule | null;
}

export interface TlsRoute {
  readonly meta: Meta;
  /** Server names; empty: any. */
  readonly snis: readonly HostMatch[];
  readonly rule: TcpRule | null;
}

export interface TcpRule {
  readonly filters: readonly TcpFilter[];
  readonly backends: Distribution<TcpFilter>;
}

/** Both refuse. */
export type TcpFilter =
  | { readonly kind: "forbidden" }
  | { readonly kind: "invalid"; readonly message: string };
