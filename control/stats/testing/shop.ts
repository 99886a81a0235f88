import type { Labels } from "../readings.ts";

/** A pod of a small shop, and the page its proxy would show some seconds after it began. */
export interface ShopPod {
  readonly labels: Labels;
  page(seconds: number): string;
}

/** `web` (two pods) calls `api` 40 times a second from each pod, one in ten fails; `api` has one pod and a denied caller. */
export const SHOP: readonly ShopPod[] = [
  web("web-1"),
  web("web-2"),
  {
    labels: identity("api-1", "api"),
    page: (seconds) =>
      [
        ...requests(INBOUND, 80 * seconds),
        ...latencies(
          "response_latency_ms",
          `${INBOUND},status_code="200"`,
          ["1", "5", "10"],
          80 * seconds,
        ),
        line("inbound_http_authz_deny_total", DENIED, 5 * seconds),
        line("tcp_open_connections", `${INBOUND},peer="src"`, 2),
        ...bytes(`${INBOUND},peer="src"`, 1_000 * seconds),
        ...profileRoute("inbound", 80 * seconds),
      ].join(""),
  },
];

const TARGET =
  `target_addr="10.0.0.9:8080",target_ip="10.0.0.9",target_port="8080"`;
const SERVER =
  `srv_group="policy.linkerd.io",srv_kind="server",srv_name="api",srv_port="8080"`;
const ROUTE =
  `route_group="policy.linkerd.io",route_kind="HTTPRoute",route_name="reads"`;
const INBOUND =
  `direction="inbound",${TARGET},tls="true",client_id="web.shop.serviceaccount.identity.linkerd.cluster.local",${SERVER},${ROUTE},authz_group="policy.linkerd.io",authz_kind="authorizationpolicy",authz_name="web"`;
const DENIED = `${TARGET},${SERVER},${ROUTE},tls="true",client_id="x"`;
const OUTBOUND =
  `direction="outbound",authority="api.shop.svc.cluster.local:8080",${TARGET},tls="true",server_id="api.shop.serviceaccount.identity.linkerd.cluster.local",dst_namespace="shop",dst_service="api",dst_deployment="api",dst_pod="api-1"`;
const PARENT =
  `parent_group="core",parent_kind="Service",parent_namespace="shop",parent_name="api",parent_port="8080",parent_section_name=""`;
const OUTBOUND_ROUTE =
  `${PARENT},route_group="gateway.networking.k8s.io",route_kind="HTTPRoute",route_namespace="shop",route_name="split"`;

function web(name: string): ShopPod {
  return {
    labels: identity(name, "web"),
    page: (seconds) =>
      [
        ...requests(OUTBOUND, 40 * seconds),
        ...latencies(
          "response_latency_ms",
          `${OUTBOUND},status_code="200"`,
          ["1", "5", "10"],
          40 * seconds,
        ),
        line("tcp_open_connections", `${OUTBOUND},peer="dst"`, 1),
        ...bytes(`${OUTBOUND},peer="dst"`, 500 * seconds),
        ...outboundRoute("", "request_statuses", "request_duration", seconds),
        ...["v1", "v2"].flatMap((version) =>
          outboundRoute(
            `,backend_group="core",backend_kind="Service",backend_namespace="shop",backend_name="${version}",backend_port="8080",backend_section_name=""`,
            "backend_response_statuses",
            "backend_response_duration",
            seconds / 2,
          )
        ),
        line(
          "outbound_http_route_retry_requests_total",
          `${OUTBOUND_ROUTE},hostname=""`,
          2 * seconds,
        ),
        ...profileRoute("outbound", 40 * seconds),
      ].join(""),
  };
}

function identity(pod: string, deployment: string): Labels {
  return { namespace: "shop", pod, serviceaccount: deployment, deployment };
}

function requests(labels: string, total: number): string[] {
  return [["success", "200", 0.9], ["failure", "500", 0.1]].map(
    ([classification, status, share]) =>
      line(
        "response_total",
        `${labels},status_code="${status}",classification="${classification}",grpc_status="",error=""`,
        total * Number(share),
      ),
  );
}

function outboundRoute(
  more: string,
  statuses: string,
  seconds: string,
  elapsed: number,
): string[] {
  const labels = `${OUTBOUND_ROUTE}${more}`;
  return [
    line(
      `outbound_http_route_${statuses}_total`,
      `${labels},http_status="200",error=""`,
      36 * elapsed,
    ),
    line(
      `outbound_http_route_${statuses}_total`,
      `${labels},http_status="504",error="REQUEST_TIMEOUT"`,
      4 * elapsed,
    ),
    ...latencies(
      `outbound_http_route_${seconds}_seconds`,
      labels,
      ["0.05", "0.5", "1.0"],
      40 * elapsed,
    ),
  ];
}

function profileRoute(direction: string, total: number): string[] {
  const labels =
    `direction="${direction}",dst="api.shop.svc.cluster.local:8080",rt_route="GET /cart"`;
  return [
    line("route_response_total", `${labels},classification="success"`, total),
    line(
      "route_actual_response_total",
      `${labels},classification="success"`,
      total * 1.1,
    ),
    ...latencies("route_response_latency_ms", labels, ["1", "5", "10"], total),
  ];
}

function bytes(labels: string, total: number): string[] {
  return [
    line("tcp_read_bytes_total", labels, total),
    line("tcp_write_bytes_total", labels, 2 * total),
  ];
}

/** Half of it in the first bucket, a quarter in each of the next two. */
function latencies(
  metric: string,
  labels: string,
  bounds: readonly [string, string, string],
  total: number,
): string[] {
  const rows = [[bounds[0], 0.5], [bounds[1], 0.75], [bounds[2], 1], [
    "+Inf",
    1,
  ]] as const;
  return rows.map(([bound, share]) =>
    line(`${metric}_bucket`, `${labels},le="${bound}"`, total * share)
  );
}

function line(metric: string, labels: string, value: number): string {
  return `${metric}{${labels}} ${Math.floor(value)}\n`;
}
