// What an hour of 1,000 pods' golden metrics takes: `bun bench/micro/stats.ts [pods] [hours]`. Time is simulated, pages are
// real in form: each pod is called by three and calls three, with 26 latency buckets each.
import {
  addPage,
  createPodHistory,
  trimHistory,
} from "../../control/stats/pod-history.ts";
import { createMemoryReadings } from "../../control/stats/memory.ts";
import { readStat } from "../../control/stats/query/stat.ts";

const [pods = 1_000, hours = 2] = process.argv.slice(2).map(Number);
const INTERVAL_MS = 10_000;
const SCRAPES = 360;
const BOUNDS = [
  ...[1, 2, 3, 4, 5, 10, 20, 30, 40, 50, 100, 200, 300, 400, 500, 1_000],
  ...[2_000, 3_000, 4_000, 5_000, 10_000, 20_000, 30_000, 40_000, 50_000],
];
/** Of a hundred answers, those that take up to the first bounds. */
const SHARES = [30, 60, 75, 85, 90, 96, 98, 99];

const histories = Array.from(
  { length: pods },
  (_, at) =>
    createPodHistory({
      namespace: `ns-${at % 20}`,
      pod: `pod-${at}`,
      deployment: `app-${at % 200}`,
      serviceaccount: `app-${at % 200}`,
    }),
);

let nowMs = 0;
for (let hour = 1; hour <= hours; hour++) {
  const cpu = process.cpuUsage();
  let bytes = 0;
  for (let scrape = 0; scrape < SCRAPES; scrape++) {
    nowMs += INTERVAL_MS;
    for (const [at, history] of histories.entries()) {
      const page = pageOf(at, nowMs / 1_000);
      bytes += page.length;
      addPage(history, page, nowMs);
      trimHistory(history, nowMs);
    }
  }
  const { user, system } = process.cpuUsage(cpu);
  Bun.gc(true);
  const { rss, heapUsed } = process.memoryUsage();
  const startMs = performance.now();
  const readings = createMemoryReadings(() => histories, () => nowMs);
  const rows = await readStat(
    {
      target: { kind: "deployment", name: null, namespace: null },
      windowMs: 60_000,
      to: null,
      from: null,
    },
    readings,
    () => [],
  );
  process.stdout.write(
    `hour ${hour}: RSS ${mb(rss)}, heap ${mb(heapUsed)}, ${
      (heapUsed / pods / 1_000).toFixed(0)
    } kB per pod; ${(bytes / SCRAPES / pods / 1_000).toFixed(0)} kB per page, ${
      ((user + system) / SCRAPES / pods).toFixed(0)
    } us of CPU per page (making it included); ${rows.length} rows in ${
      (performance.now() - startMs).toFixed(0)
    } ms\n`,
  );
}

function mb(size: number): string {
  return `${(size / 1_000_000).toFixed(0)} MB`;
}

function pageOf(pod: number, seconds: number): string {
  let page = "";
  for (const direction of ["inbound", "outbound"]) {
    for (let peer = 0; peer < 3; peer++) {
      const other = `app-${(pod + peer) % 200}`;
      const labels = direction === "inbound"
        ? `direction="inbound",target_addr="10.1.2.3:8080",target_ip="10.1.2.3",target_port="8080",tls="true",client_id="${other}.ns.serviceaccount.identity.linkerd.cluster.local",srv_group="",srv_kind="default",srv_name="all-unauthenticated",srv_port="8080",route_group="",route_kind="default",route_name="default",authz_group="",authz_kind="default",authz_name="all-unauthenticated"`
        : `direction="outbound",authority="${other}.ns.svc.cluster.local:80",target_addr="10.1.2.${peer}:8080",target_ip="10.1.2.${peer}",target_port="8080",tls="true",server_id="${other}.ns.serviceaccount.identity.linkerd.cluster.local",dst_control_plane_ns="linkerd",dst_deployment="${other}",dst_namespace="ns",dst_pod="${other}-5f6d7-x${peer}",dst_pod_template_hash="5f6d7",dst_service="${other}",dst_serviceaccount="${other}",dst_zone="",dst_zone_locality="unknown"`;
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
      const peerLabel = `peer="${direction === "inbound" ? "src" : "dst"}"`;
      page += `tcp_open_connections{${labels},${peerLabel}} 1\n`;
      for (const metric of ["tcp_read_bytes_total", "tcp_write_bytes_total"]) {
        page += `${metric}{${labels},${peerLabel}} ${total * 997}\n`;
      }
    }
  }
  return page;
}
