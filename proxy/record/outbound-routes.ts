import type { Meta } from "../../schemas/policy.ts";
import type { Registry } from "../record.ts";
import type { RouteError } from "./ending.ts";
import type { Family } from "./family.ts";
import {
  backendLabels,
  formatLabels,
  joinLabels,
  parentLabels,
  routeLabels,
} from "./labels.ts";
import type { Histogram, Series } from "./series.ts";
import { FRAME_BOUNDS } from "./traffic.ts";

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

/** Declares `outbound_http_route_*` or `outbound_grpc_route_*`. */
export function outboundRouteFamilies(
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

/** Labels put behind a route's for its statuses: `http_status` as a number, `grpc_status` as an upper-case name. */
export function routeStatus(
  protocol: "http" | "grpc",
  status: string,
  error: RouteError,
): string {
  return formatLabels([[`${protocol}_status`, status], ["error", error]]);
}
