import type { Network } from "./address.ts";
import type { Endpoint } from "./destination.ts";

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

/** How to call: client policy, from `OutboundPolicies`. */
export interface ClientPolicy {
  readonly parent: Meta;
  readonly protocol: ClientProtocol;
}

export type ClientProtocol =
  | {
    readonly kind: "detect";
    readonly timeoutMs: number;
    readonly http: ClientRoute;
    readonly opaque: ClientRoute;
  }
  | { readonly kind: "http1" | "http2" | "grpc"; readonly http: ClientRoute }
  | { readonly kind: "opaque" | "tls"; readonly opaque: ClientRoute };

/** The route that all traffic of a target takes; route matching is not part of this version. */
export interface ClientRoute {
  readonly meta: Meta;
  /** `forbidden` and `invalid` refuse the traffic with the message. */
  readonly outcome:
    | { readonly kind: "backend"; readonly backend: Backend }
    | { readonly kind: "forbidden" | "invalid"; readonly message: string };
}

/** Where a route sends to: one address, or a balancer over a discovered destination. */
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
  };

/** Peak-EWMA parameters. */
export interface Load {
  readonly defaultRttMs: number;
  readonly decayMs: number;
}

/** Who may call: server policy of one inbound port, from `InboundServerPolicies`. */
export interface ServerPolicy {
  readonly protocol: ServerProtocol;
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
  | { readonly kind: "detect"; readonly timeoutMs: number }
  | { readonly kind: "http1" | "http2" | "grpc" | "opaque" | "tls" };

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
