import type { SocketAddress } from "../../schemas/address.ts";
import type { ServerMeta } from "../../schemas/policy.ts";
import type { Registry } from "../record.ts";
import type { Family } from "./family.ts";
import {
  endpointLabels,
  formatLabels,
  joinLabels,
  metaLabels,
  serverLabels,
  targetLabels,
  tlsLabels,
  type TlsStatus,
} from "./labels.ts";
import type { Histogram, Series } from "./series.ts";

/** Requests, responses and latency of HTTP traffic: what `linkerd stat` and dashboards read. */
export interface HttpFamilies {
  readonly requests: Family<Series>;
  readonly responses: Family<Series>;
  readonly latencyMs: Family<Histogram>;
}

/** Connections and bytes, for HTTP and opaque traffic alike. */
export interface TcpFamilies {
  readonly opened: Family<Series>;
  readonly closed: Family<Series>;
  readonly open: Family<Series>;
  readonly readBytes: Family<Series>;
  readonly writeBytes: Family<Series>;
}

/** Upper bounds of `response_latency_ms`, as every Linkerd dashboard assumes them. */
export const LATENCY_BOUNDS_MS: readonly number[] = [1, 10, 100, 1_000, 10_000]
  .flatMap((unit) => [1, 2, 3, 4, 5].map((times) => times * unit));

/** Upper bounds of body frame sizes, in bytes, inbound and outbound. */
export const FRAME_BOUNDS: readonly number[] = [128, 1_024, 10_240];

/** Declares `request_total`, `response_total`, `response_latency_ms`; `prefix` is `control_` for control clients. */
export function httpFamilies(registry: Registry, prefix = ""): HttpFamilies {
  return {
    requests: registry.counter(
      `${prefix}request_total`,
      "HTTP requests forwarded",
    ),
    responses: registry.counter(
      `${prefix}response_total`,
      "HTTP responses that ended, well or not",
    ),
    latencyMs: registry.histogram(
      `${prefix}response_latency_ms`,
      "Milliseconds from an HTTP request to the first body frame of its response",
      LATENCY_BOUNDS_MS,
      "integer",
    ),
  };
}

/** Declares the `tcp_*` families. */
export function tcpFamilies(registry: Registry): TcpFamilies {
  return {
    opened: registry.counter("tcp_open_total", "Connections opened"),
    closed: registry.counter("tcp_close_total", "Connections closed"),
    open: registry.gauge("tcp_open_connections", "Connections open now"),
    readBytes: registry.counter(
      "tcp_read_bytes_total",
      "Bytes read from the peer",
    ),
    writeBytes: registry.counter(
      "tcp_write_bytes_total",
      "Bytes written to the peer",
    ),
  };
}

/** What an inbound request or connection is counted under. */
export interface InboundTarget {
  /** Where the application listens (the original destination). */
  readonly target: SocketAddress;
  readonly tls: TlsStatus;
  readonly server: ServerMeta;
  /** Only with `INBOUND_METRICS_AUTHORITY_LABELS=unsafe`. */
  readonly authority?: string;
  readonly route?: ServerMeta;
  readonly authz?: ServerMeta;
}

/** What an outbound request or connection is counted under. */
export interface OutboundTarget {
  /** The endpoint dialled. */
  readonly target: SocketAddress;
  readonly tls: TlsStatus;
  /** The logical destination, such as `web.shop.svc.cluster.local:80`. */
  readonly authority?: string;
  /** The endpoint's labels, without their `dst_` prefix. */
  readonly labels: Readonly<Record<string, string>>;
}

/** Labels of an inbound request: direction, authority, target, tls, server, route, authorization. */
export function inboundLabels(to: InboundTarget): string {
  return joinLabels(
    `direction="inbound"`,
    authorityLabel(to.authority),
    targetLabels(to.target),
    tlsLabels(to.tls),
    serverLabels(to.server, to.target.port),
    to.route === undefined ? "" : metaLabels("route", to.route),
    to.authz === undefined ? "" : metaLabels("authz", to.authz),
  );
}

/** Labels of an outbound request: direction, authority, target, tls, endpoint. */
export function outboundLabels(to: OutboundTarget): string {
  return joinLabels(`direction="outbound"`, outboundTarget(to));
}

/** Labels of a connection accepted on the inbound listener. */
export function inboundSourceLabels(from: InboundTarget): string {
  return joinLabels(
    `direction="inbound",peer="src"`,
    targetLabels(from.target),
    tlsLabels(from.tls),
    serverLabels(from.server, from.target.port),
  );
}

/** Labels of connections from the inbound proxy to its application. */
export const INBOUND_DESTINATION_LABELS: string = joinLabels(
  `direction="inbound",peer="dst"`,
  tlsLabels({ kind: "none", reason: "loopback" }),
);

/** Labels of a connection accepted from the application; `target` is its original destination. */
export function outboundSourceLabels(target: SocketAddress): string {
  return joinLabels(
    `direction="outbound",peer="src"`,
    targetLabels(target),
    tlsLabels({ kind: "none", reason: "loopback" }),
  );
}

/** Labels of a connection dialled to an endpoint. */
export function outboundDestinationLabels(to: OutboundTarget): string {
  return joinLabels(`direction="outbound",peer="dst"`, outboundTarget(to));
}

function outboundTarget(to: OutboundTarget): string {
  return joinLabels(
    authorityLabel(to.authority),
    targetLabels(to.target),
    tlsLabels(to.tls),
    endpointLabels(to.labels),
  );
}

function authorityLabel(authority: string | undefined): string {
  return authority === undefined
    ? ""
    : formatLabels([["authority", authority]]);
}
