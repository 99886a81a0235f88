// Proxies of a whole town of workloads, as they would have looked for an hour: figures without machines.
import type { WorkloadPod } from "../../control/stats/query/workloads.ts";
import {
  addPage,
  createPodHistory,
  type PodHistory,
} from "../../control/stats/pod-history.ts";

/** Who asks whom: requests per second, the share that fails, whether over mutual TLS, and the mean latency. */
type Road = readonly [
  source: string,
  target: string,
  rps: number,
  failing: number,
  secured: boolean,
  meanMs: number,
];

const ROADS: readonly Road[] = [
  ["load", "web", 120, 0, true, 24],
  ["web", "catalog", 90, 0.001, true, 4],
  ["web", "catalog-v2", 10, 0.03, true, 6],
  ["web", "orders", 40, 0, true, 9],
  ["web", "pricing", 118, 0, true, 2],
  ["web", "legacy", 12, 0, false, 15],
  ["orders", "payments", 20, 0.12, true, 60],
  ["orders", "stock", 20, 0, true, 3],
  ["pricing", "stock", 30, 0, true, 2],
];
const BOUNDS = [1, 2, 3, 4, 5, 10, 20, 30, 40, 50, 100, 200, 300, 400, 500];
const SCRAPE_MS = 10_000;
const DOMAIN = "serviceaccount.identity.linkerd.cluster.local";

export interface Town {
  readonly histories: readonly PodHistory[];
  readonly pods: readonly WorkloadPod[];
  /** Scrapes everybody once more. */
  scrape(nowMs: number): void;
}

/** A town that has been there for an hour. */
export function createTown(nowMs: number): Town {
  const startMs = nowMs - 60 * 60_000;
  const names = [...new Set(ROADS.flatMap(([from, to]) => [from, to]))];
  const pods = names.map((name): WorkloadPod => ({
    namespace: namespaceOf(name),
    name: `${name}-1`,
    owners: name === "load" ? {} : { [kindOf(name)]: name },
    isMeshed: name !== "legacy",
  }));
  const proxies = pods.filter(({ isMeshed }) => isMeshed)
    .map(({ namespace, name, owners }) => ({
      name: name.slice(0, -2),
      history: createPodHistory({ namespace, pod: name, ...owners }),
    }));
  const scrape = (atMs: number) => {
    for (const { name, history } of proxies) {
      addPage(history, pageOf(name, (atMs - startMs) / 1_000), atMs);
    }
  };
  for (let atMs = startMs; atMs <= nowMs; atMs += SCRAPE_MS) scrape(atMs);
  return { histories: proxies.map(({ history }) => history), pods, scrape };
}

function namespaceOf(name: string): string {
  return name === "load" ? "clients" : "shop";
}

function kindOf(name: string): string {
  return name === "stock" ? "statefulset" : "deployment";
}

function pageOf(name: string, seconds: number): string {
  return ROADS.flatMap((road, at) => {
    const [source, target, rps] = road;
    // More and less of it, twice an hour, and a little at other times on each road; never backwards.
    const total = rps * (60 + seconds - 80 * Math.sin(seconds / 290 + at / 8));
    const lines: string[] = [];
    if (source === name) lines.push(...outbound(road, total));
    if (target === name) lines.push(...inbound(road, total));
    return lines;
  }).join("");
}

function outbound(
  [source, target, , failing, secured, ms]: Road,
  total: number,
) {
  const owner = `dst_${kindOf(target)}="${target}",dst_pod="${target}-1"`;
  const peer = `direction="outbound",dst_namespace="${
    namespaceOf(target)
  }",${owner},${
    secured
      ? `tls="true",server_id="${target}.shop.${DOMAIN}"`
      : `tls="no_identity",no_tls_reason="not_provided_by_service_discovery"`
  }`;
  const route =
    `parent_kind="Service",parent_name="${target}",parent_port="80",route_kind="${
      source === "orders" ? "HTTPRoute" : "default"
    }",route_name="${source === "orders" ? "by-weight" : "http"}"`;
  const backend =
    `${route},backend_kind="Service",backend_name="${target}",backend_port="80"`;
  return [
    ...responses(peer, failing, total),
    ...latencies("response_latency_ms", peer, ms, 1, total),
    line("tcp_open_connections", `${peer},peer="dst"`, 2),
    ...statuses("request_statuses_total", route, failing, total),
    ...statuses("backend_response_statuses_total", backend, failing, total),
    ...["", "backend"].flatMap((part) =>
      latencies(
        `outbound_http_route_${
          part === "" ? "request" : "backend_response"
        }_duration_seconds`,
        part === "" ? route : backend,
        ms,
        0.001,
        total,
      )
    ),
  ];
}

function inbound([source, , , failing, secured, ms]: Road, total: number) {
  const labels =
    `direction="inbound",target_port="8080",srv_kind="server",srv_name="http",route_kind="HTTPRoute",route_name="all",authz_kind="authorizationpolicy",authz_name="${source}",${
      secured ? `tls="true"` : `tls="no_identity"`
    }`;
  return [
    ...responses(labels, failing, total),
    ...latencies("response_latency_ms", labels, ms * 0.9, 1, total),
    line(
      "inbound_http_authz_deny_total",
      `target_port="8080",srv_kind="server",srv_name="http",route_kind="HTTPRoute",route_name="all"`,
      source === "orders" ? total / 500 : 0,
    ),
  ];
}

function responses(labels: string, failing: number, total: number): string[] {
  return [["success", 1 - failing], ["failure", failing]].map(([how, share]) =>
    line(
      "response_total",
      `${labels},classification="${how}"`,
      total * Number(share),
    )
  );
}

function statuses(
  name: string,
  labels: string,
  failing: number,
  total: number,
): string[] {
  return [["200", 1 - failing], ["503", failing]].map(([status, share]) =>
    line(
      `outbound_http_route_${name}`,
      `${labels},http_status="${status}",error=""`,
      total * Number(share),
    )
  );
}

function latencies(
  name: string,
  labels: string,
  meanMs: number,
  unit: number,
  total: number,
): string[] {
  // Each bucket counts for itself, so that none ever goes down; on the page they are added up.
  let sum = 0;
  let before = 0;
  return [...BOUNDS, Infinity].map((bound) => {
    const share = 1 - Math.exp(-bound / meanMs);
    sum += Math.floor(total * (share - before));
    before = share;
    const le = bound === Infinity ? "+Inf" : bound * unit;
    return line(`${name}_bucket`, `${labels},le="${le}"`, sum);
  });
}

function line(name: string, labels: string, value: number): string {
  return `${name}{${labels}} ${Math.max(0, Math.floor(value))}\n`;
}
