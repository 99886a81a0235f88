/** What of a proxy's page is kept, by name as written there. */
export const KEPT: ReadonlyMap<string, "counter" | "bucket" | "gauge"> =
  new Map([
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
    ].map((name) => [name, "counter"] as const),
    ...[
      "response_latency_ms",
      "route_response_latency_ms",
      ...ofRoutes("request_duration_seconds"),
      ...ofRoutes("backend_response_duration_seconds"),
    ].map((name) => [`${name}_bucket`, "bucket"] as const),
    ["tcp_open_connections", "gauge"],
    ["process_start_time_seconds", "gauge"],
  ]);

function ofRoutes(name: string): string[] {
  return ["http", "grpc"].map((kind) => `outbound_${kind}_route_${name}`);
}
