import type { SocketAddress } from "../../schemas/address.ts";
import type { ServerMeta } from "../../schemas/policy.ts";
import type { Registry } from "../record.ts";
import type { Family } from "./family.ts";
import { type DetectFamilies, detectFamilies } from "./detect.ts";
import {
  formatLabels,
  joinLabels,
  metaLabels,
  serverLabels,
  targetLabels,
  tlsLabels,
  type TlsStatus,
} from "./labels.ts";
import type { Histogram, Series } from "./series.ts";
import { FRAME_BOUNDS } from "./traffic.ts";

/** What only the inbound side counts. */
export interface InboundFamilies {
  /** Labels by `inboundAuthzLabels`. */
  readonly httpAllowed: Family<Series>;
  readonly httpDenied: Family<Series>;
  readonly tcpAllowed: Family<Series>;
  readonly tcpDenied: Family<Series>;
  readonly tcpTerminated: Family<Series>;
  /** Labels by `inboundAuthzLabels`. */
  readonly routesNotFound: Family<Series>;
  /** Labels by `inboundLimitLabels`. */
  readonly limited: Family<Series>;
  /** Labels by `inboundHttpErrorLabels`. */
  readonly httpErrors: Family<Series>;
  /** Labels by `inboundTcpErrorLabels`. */
  readonly tcpErrors: Family<Series>;
  /** Labels by `serverLabels`, results with `result` in front. */
  readonly detect: DetectFamilies;
  /** Labels by `transportHeaderLabels`. */
  readonly transportHeaders: Family<Series>;
  readonly http: InboundRequestFamilies;
  readonly grpc: InboundRequestFamilies;
}

/** Labels by `inboundRouteLabels`; statuses with `status` behind. */
export interface InboundRequestFamilies {
  readonly requests: Family<Series>;
  readonly requestSeconds: Family<Histogram>;
  readonly requestFrameBytes: Family<Histogram>;
  readonly responseSeconds: Family<Histogram>;
  readonly responseFrameBytes: Family<Histogram>;
  readonly statuses: Family<Series>;
}

/** Declares the `inbound_*` families. */
export function inboundFamilies(registry: Registry): InboundFamilies {
  const counter = (name: string, help: string) =>
    registry.counter(`inbound_${name}_total`, help);
  return {
    httpAllowed: counter("http_authz_allow", "Requests that policy permitted"),
    httpDenied: counter("http_authz_deny", "Requests that policy denied"),
    tcpAllowed: counter("tcp_authz_allow", "Connections that policy permitted"),
    tcpDenied: counter("tcp_authz_deny", "Connections that policy denied"),
    tcpTerminated: counter(
      "tcp_authz_terminate",
      "Connections closed because policy changed",
    ),
    routesNotFound: counter(
      "http_route_not_found",
      "Requests that no route of their Server takes",
    ),
    limited: counter(
      "http_local_ratelimit",
      "Requests above the rate that policy lets through",
    ),
    httpErrors: counter("http_errors", "Inbound requests that failed here"),
    tcpErrors: counter("tcp_errors", "Inbound connections that failed here"),
    detect: detectFamilies(registry, "inbound"),
    transportHeaders: counter(
      "tcp_transport_header_connections",
      "Direct connections from other proxies",
    ),
    http: requestFamilies(registry, "http"),
    grpc: requestFamilies(registry, "grpc"),
  };
}

function requestFamilies(
  registry: Registry,
  protocol: "http" | "grpc",
): InboundRequestFamilies {
  const prefix = `inbound_${protocol}`;
  return {
    requests: registry.counter(`${prefix}_requests_total`, "Requests received"),
    requestSeconds: registry.histogram(
      `${prefix}_request_duration_seconds`,
      "From a request's head to its end",
      [0.025, 0.05, 0.1, 0.25, 0.5, 1, 10],
    ),
    requestFrameBytes: registry.histogram(
      `${prefix}_request_frame_size_bytes`,
      "Sizes of request body frames",
      FRAME_BOUNDS,
    ),
    responseSeconds: registry.histogram(
      `${prefix}_response_duration_seconds`,
      "From a request's end to the end of its response",
      [0.05, 0.5, 1, 10],
    ),
    responseFrameBytes: registry.histogram(
      `${prefix}_response_frame_size_bytes`,
      "Sizes of response body frames",
      FRAME_BOUNDS,
    ),
    statuses: registry.counter(
      `${prefix}_statuses_total`,
      "Responses by status",
    ),
  };
}

/** What an authorization decision is counted under. */
export interface InboundDecision {
  readonly target: SocketAddress;
  readonly server: ServerMeta;
  /** HTTP only. */
  readonly route?: ServerMeta;
  /** What permitted it; absent on denials. */
  readonly authz?: ServerMeta;
  readonly tls: TlsStatus;
}

/** Labels of `inbound_{http,tcp}_authz_*`: target, server, route, authorization, tls. */
export function inboundAuthzLabels(decision: InboundDecision): string {
  const { target, server, route, authz, tls } = decision;
  return joinLabels(
    targetLabels(target),
    serverLabels(server, target.port),
    route === undefined ? "" : metaLabels("route", route),
    authz === undefined ? "" : metaLabels("authz", authz),
    tlsLabels(tls),
  );
}

/** Labels of `inbound_http_local_ratelimit_total`; an override is a limit of an identity. */
export function inboundLimitLabels(
  { target, server, tls }: InboundDecision,
  limit: ServerMeta,
  scope: "total" | "identity" | "override",
): string {
  return joinLabels(
    targetLabels(target),
    serverLabels(server, target.port),
    formatLabels([
      ["ratelimit_group", limit.group],
      ["ratelimit_kind", limit.kind],
      ["ratelimit_name", limit.name],
      ["ratelimit_scope", scope === "total" ? scope : "identity"],
    ]),
    tlsLabels(tls),
  );
}

/** Why an inbound request or connection failed in the proxy; policy denials are not errors. */
export type InboundError =
  | "failfast"
  | "loadshed"
  | "gateway domain invalid"
  | "gateway loop"
  | "i/o"
  | "tls detection timeout"
  | "unexpected";

/** Labels of `inbound_http_errors_total`. */
export function inboundHttpErrorLabels(
  error: InboundError,
  target: SocketAddress,
  server: ServerMeta,
): string {
  return joinLabels(
    formatLabels([["error", error]]),
    targetLabels(target),
    serverLabels(server, target.port),
  );
}

/** Labels of `inbound_tcp_errors_total`. */
export function inboundTcpErrorLabels(
  error: InboundError,
  target: SocketAddress,
): string {
  return joinLabels(formatLabels([["error", error]]), targetLabels(target));
}

/** Labels of `inbound_tcp_transport_header_connections_total`. */
export function transportHeaderLabels(header: {
  readonly sessionProtocol: "http/1" | "http/2" | "";
  readonly port: number;
  /** Empty unless the header names a gateway's target. */
  readonly name: string;
  readonly clientId: string;
}): string {
  return formatLabels([
    ["session_protocol", header.sessionProtocol],
    ["target_port", String(header.port)],
    ["target_name", header.name],
    ["client_id", header.clientId],
  ]);
}

/** Labels of `inbound_{http,grpc}_*`: the Server as parent, and the route. */
export function inboundRouteLabels(
  server: ServerMeta,
  port: number,
  route: ServerMeta,
): string {
  return joinLabels(
    formatLabels([
      ["parent_group", server.group],
      ["parent_kind", server.kind],
      ["parent_name", server.name],
      ["parent_port", String(port)],
    ]),
    metaLabels("route", route),
  );
}
