/** A metric that is kept: its name without `_bucket`, and what its lines say. */
export interface Kept {
  readonly metric: string;
  readonly kind: "counter" | "bucket" | "gauge";
}

/** What of a proxy's page is kept, by name as written there. */
export const KEPT: ReadonlyMap<string, Kept> = new Map<string, Kept>([
  ...[
    "response_total",
    "tcp_read_bytes_total",
    "tcp_write_bytes_total",
    "inbound_http_authz_allow_total",
    "inbound_http_authz_deny_total",
    "route_response_total",
    "route_actual_response_total",
    ...ofRoutes("request_statuses_total"),
    ...ofRoutes("backend_response_statuses_total"),
    ...ofRoutes("retry_requests_total"),
  ].map((name) => entry(name, "counter")),
  ...[
    "response_latency_ms",
    "route_response_latency_ms",
    ...ofRoutes("request_duration_seconds"),
    ...ofRoutes("backend_response_duration_seconds"),
  ].map((name) => entry(name, "bucket", "_bucket")),
  entry("tcp_open_connections", "gauge"),
  entry("process_start_time_seconds", "gauge"),
]);

function entry(
  metric: string,
  kind: Kept["kind"],
  suffix = "",
): [string, Kept] {
  return [metric + suffix, { metric, kind }];
}

function ofRoutes(name: string): string[] {
  return ["http", "grpc"].map((kind) => `outbound_${kind}_route_${name}`);
}
