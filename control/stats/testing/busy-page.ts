/** Bounds of `response_latency_ms`. */
const BOUNDS = [1, 10, 100, 1_000, 10_000]
  .flatMap((unit) => [1, 2, 3, 4, 5].map((times) => times * unit));
/** Of a hundred answers, those that take up to the first bounds. */
const SHARES = [30, 60, 75, 85, 90, 96, 98, 99];
/** How many call a pod, and how many it calls. */
const PEERS = 3;

/** The pods' labels, as a scrape configuration gives them: 200 Deployments in 20 namespaces. */
export function labelsOf(pod: number): Readonly<Record<string, string>> {
  return {
    namespace: `ns-${pod % 20}`,
    pod: `pod-${pod}`,
    deployment: `app-${pod % 200}`,
    serviceaccount: `app-${pod % 200}`,
  };
}

/** What the proxy of a busy pod says after some seconds, as far as it is kept: 83 kB, of 5 to 44 requests a second to each peer. */
export function busyPage(pod: number, seconds: number): string {
  let page = "";
  for (const direction of ["inbound", "outbound"]) {
    for (let peer = 0; peer < PEERS; peer++) {
      const other = `app-${(pod + peer) % 200}`;
      const labels = direction === "inbound"
        ? inbound(other)
        : outbound(other, peer);
      const total = Math.floor(seconds * (5 + pod % 40));
      page +=
        `response_total{${labels},status_code="200",classification="success",grpc_status="",error=""} ${total}\n`;
      for (const [at, bound] of BOUNDS.entries()) {
        const count = Math.floor(total * (SHARES[at] ?? 100) / 100);
        page +=
          `response_latency_ms_bucket{${labels},status_code="200",le="${bound}"} ${count}\n`;
      }
      page +=
        `response_latency_ms_bucket{${labels},status_code="200",le="+Inf"} ${total}\n`;
      const side = `peer="${direction === "inbound" ? "src" : "dst"}"`;
      page += `tcp_open_connections{${labels},${side}} 1\n`;
      for (const metric of ["tcp_read_bytes_total", "tcp_write_bytes_total"]) {
        page += `${metric}{${labels},${side}} ${total * 997}\n`;
      }
    }
  }
  return page;
}

const SERVER =
  `srv_group="",srv_kind="default",srv_name="all-unauthenticated",srv_port="8080",route_group="",route_kind="default",route_name="default",authz_group="",authz_kind="default",authz_name="all-unauthenticated"`;

function inbound(from: string): string {
  return `direction="inbound",target_addr="10.1.2.3:8080",target_ip="10.1.2.3",target_port="8080",tls="true",client_id="${from}.ns.serviceaccount.identity.linkerd.cluster.local",${SERVER}`;
}

function outbound(to: string, at: number): string {
  return `direction="outbound",authority="${to}.ns.svc.cluster.local:80",target_addr="10.1.2.${at}:8080",target_ip="10.1.2.${at}",target_port="8080",tls="true",server_id="${to}.ns.serviceaccount.identity.linkerd.cluster.local",dst_control_plane_ns="linkerd",dst_deployment="${to}",dst_namespace="ns",dst_pod="${to}-5f6d7-x${at}",dst_pod_template_hash="5f6d7",dst_service="${to}",dst_serviceaccount="${to}",dst_zone="",dst_zone_locality="unknown"`;
}
