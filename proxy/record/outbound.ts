import type { SocketAddress } from "../../schemas/address.ts";
import type { Meta } from "../../schemas/policy.ts";
import type { Registry } from "../record.ts";
import type { Family } from "./family.ts";
import { type BalancerFamilies, balancerFamilies } from "./balancer.ts";
import { type DetectFamilies, detectFamilies } from "./detect.ts";
import { FRAME_BOUNDS } from "./inbound.ts";
import {
  backendLabels,
  formatLabels,
  joinLabels,
  parentLabels,
  routeLabels,
  targetLabels,
} from "./labels.ts";
import { type ProfileFamilies, profileFamilies } from "./profile.ts";
import type { Histogram, Series } from "./series.ts";

/** What only the outbound side counts. */
export interface OutboundFamilies {
  /** Labels by `outboundProtocolLabels`. */
  readonly protocols: Family<Series>;
  /** Labels by `parentLabels`, results with `result` in front. */
  readonly detect: DetectFamilies;
  /** Labels by `outboundErrorLabels`. */
  readonly httpErrors: Family<Series>;
  readonly tcpErrors: Family<Series>;
  readonly http: OutboundRouteFamilies;
  readonly grpc: OutboundRouteFamilies;
  readonly profile: ProfileFamilies;
  /** Labels by `parentLabels` and `backendLabels`. */
  readonly httpBalancer: BalancerFamilies;
  /** Labels by `tcpBalancerLabels`. */
  readonly tcpBalancer: BalancerFamilies;
  /** Of TLS that is passed on; labels by `tlsBalancerLabels`. */
  readonly tlsBalancer: BalancerFamilies;
  /** Labels by `tcpRouteLabels`, closes with `error` behind. */
  readonly tcpRouteOpened: Family<Series>;
  readonly tcpRouteClosed: Family<Series>;
  /** Labels by `tlsRouteLabels`, closes with `error` behind. */
  readonly tlsRouteOpened: Family<Series>;
  readonly tlsRouteClosed: Family<Series>;
}

/** Request families have labels by `outboundRouteLabels`, backend ones by `outboundBackendLabels`. */
export interface OutboundRouteFamilies {
  readonly requestSeconds: Family<Histogram>;
  /** With `routeStatus(…)` behind. */
  readonly requestStatuses: Family<Series>;
  readonly requestFrameBytes: Family<Histogram>;
  readonly retries: RetryFamilies;
  readonly backendRequests: Family<Series>;
  readonly backendSeconds: Family<Histogram>;
  /** With `routeStatus(…)` behind. */
  readonly backendStatuses: Family<Series>;
  readonly backendFrameBytes: Family<Histogram>;
}

/** Labels as of requests. */
export interface RetryFamilies {
  readonly request: Family<Series>;
  readonly success: Family<Series>;
  readonly limit: Family<Series>;
  readonly overflow: Family<Series>;
}

/** Declares the `outbound_*` families. */
export function outboundFamilies(registry: Registry): OutboundFamilies {
  const counter = (name: string, help: string) =>
    registry.counter(`outbound_${name}_total`, help);
  return {
    protocols: counter(
      "tcp_protocol_connections",
      "Connections by the protocol that policy gives them",
    ),
    detect: detectFamilies(registry, "outbound"),
    httpErrors: counter("http_errors", "Outbound requests that failed here"),
    tcpErrors: counter("tcp_errors", "Outbound connections that failed here"),
    http: routeFamilies(registry, "http"),
    grpc: routeFamilies(registry, "grpc"),
    profile: profileFamilies(registry),
    httpBalancer: balancerFamilies(registry, "outbound_http"),
    tcpBalancer: balancerFamilies(registry, "outbound_tcp"),
    tlsBalancer: balancerFamilies(registry, "outbound_tls"),
    tcpRouteOpened: counter("tcp_route_open", "Connections a route took"),
    tcpRouteClosed: counter("tcp_route_close", "Connections of a route closed"),
    tlsRouteOpened: counter("tls_route_open", "TLS connections a route took"),
    tlsRouteClosed: counter(
      "tls_route_close",
      "TLS connections of a route closed",
    ),
  };
}

function routeFamilies(
  registry: Registry,
  protocol: "http" | "grpc",
): OutboundRouteFamilies {
  const prefix = `outbound_${protocol}_route`;
  return {
    requestSeconds: registry.histogram(
      `${prefix}_request_duration_seconds`,
      "From a request's head to the end of its response",
      [0.05, 0.5, 1, 10],
    ),
    requestStatuses: registry.counter(
      `${prefix}_request_statuses_total`,
      "Requests by how they ended",
    ),
    requestFrameBytes: registry.histogram(
      `${prefix}_request_frame_size_bytes`,
      "Sizes of request body frames",
      FRAME_BOUNDS,
    ),
    retries: {
      request: registry.counter(
        `${prefix}_retry_requests_total`,
        "Requests sent again",
      ),
      success: registry.counter(
        `${prefix}_retry_successes_total`,
        "Requests that went well after they had failed",
      ),
      limit: registry.counter(
        `${prefix}_retry_limit_exceeded_total`,
        "Requests that failed as often as they may be sent",
      ),
      overflow: registry.counter(
        `${prefix}_retry_overflow_total`,
        "Requests not sent again, as nobody could take them at once",
      ),
    },
    backendRequests: registry.counter(
      `${prefix}_backend_requests_total`,
      "Requests sent to a backend, retries included",
    ),
    backendSeconds: registry.histogram(
      `${prefix}_backend_response_duration_seconds`,
      "From a request's end to the end of its response",
      [0.025, 0.05, 0.1, 0.25, 0.5, 1, 10],
    ),
    backendStatuses: registry.counter(
      `${prefix}_backend_response_statuses_total`,
      "Responses of a backend by how they ended",
    ),
    backendFrameBytes: registry.histogram(
      `${prefix}_backend_response_frame_size_bytes`,
      "Sizes of response body frames",
      FRAME_BOUNDS,
    ),
  };
}

/** Labels of `outbound_tcp_protocol_connections_total`. */
export function outboundProtocolLabels(
  protocol: "http/1" | "http/2" | "detect" | "opaq" | "tls",
  parent: Meta,
): string {
  return joinLabels(
    formatLabels([["protocol", protocol]]),
    parentLabels(parent),
  );
}

/** Why an outbound request or connection failed in the proxy. */
export type OutboundError =
  | "loadshed"
  | "failfast"
  | "identity required"
  | "i/o"
  | "response timeout"
  | "unexpected";

/** Labels of `outbound_http_errors_total` (no target) and `outbound_tcp_errors_total`. */
export function outboundErrorLabels(
  error: OutboundError,
  target: SocketAddress | null,
): string {
  return joinLabels(
    formatLabels([["error", error]]),
    target === null ? "" : targetLabels(target),
  );
}

/** Labels of route families; `hostname` is "" unless `OUTBOUND_METRICS_HOSTNAME_LABELS=true`. */
export function outboundRouteLabels(
  parent: Meta,
  route: Meta,
  hostname: string,
): string {
  return joinLabels(
    parentLabels(parent),
    routeLabels(route),
    formatLabels([["hostname", hostname]]),
  );
}

/** Labels of route backend families. */
export function outboundBackendLabels(
  parent: Meta,
  route: Meta,
  backend: Meta,
): string {
  return joinLabels(
    parentLabels(parent),
    routeLabels(route),
    backendLabels(backend),
  );
}

/** Why a route's request ended without a status; "" when it has one. */
export type RouteError =
  | ""
  | "FAIL_FAST"
  | "LOAD_SHED"
  | "REQUEST_TIMEOUT"
  | "RESPONSE_HEADERS_TIMEOUT"
  | "RESPONSE_STREAM_TIMEOUT"
  | "IDLE_TIMEOUT"
  | "CANCEL"
  | "REFUSED"
  | "ENHANCE_YOUR_CALM"
  | "RESET"
  | "GO_AWAY"
  | "IO"
  | "UNKNOWN";

/** Labels put behind a route's for its statuses: `http_status` as a number, `grpc_status` as an upper-case name. */
export function routeStatus(
  protocol: "http" | "grpc",
  status: string,
  error: RouteError,
): string {
  return formatLabels([[`${protocol}_status`, status], ["error", error]]);
}

/** Labels of `outbound_tls_balancer_*`: the authority resolved. */
export function tlsBalancerLabels(concrete: string): string {
  return formatLabels([["concrete", concrete]]);
}

/** Labels of `outbound_tcp_balancer_*`: the logical authority and the concrete one resolved. */
export function tcpBalancerLabels(logical: string, concrete: string): string {
  return formatLabels([["logical", logical], ["concrete", concrete]]);
}

/** Why a connection of a route ended; "" when both sides have finished. */
export type TcpRouteError =
  | ""
  | "forbidden"
  | "invalid_backend"
  | "invalid_policy"
  | "unexpected";

/** Labels of `outbound_tls_route_*_total`; `hostname` is the server name that the client asks for. */
export function tlsRouteLabels(
  parent: Meta,
  route: Meta,
  hostname: string,
): string {
  return outboundRouteLabels(parent, route, hostname);
}

/** Labels of `outbound_tcp_route_*_total`. */
export function tcpRouteLabels(
  parent: Meta,
  route: Meta,
  target: SocketAddress,
): string {
  return joinLabels(
    parentLabels(parent),
    routeLabels(route),
    formatLabels([
      ["target_ip", target.ip],
      ["target_port", String(target.port)],
    ]),
  );
}
