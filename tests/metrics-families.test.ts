// What two proxies say of traffic of every kind is in the table of all metrics (proxy/record/testdata/families.txt), with
// its labels in their order; and neither of them says more and more, whatever its peers make up.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { type Pod, proxyOf } from "../demo/bed/pod.ts";
import { waitFor } from "../demo/bed/wait.ts";
import {
  knownVocabulary,
  vocabularyOf,
} from "../proxy/record/testing/vocabulary.ts";
import { SERIES_MAX } from "../proxy/record.ts";
import { NAMES_MAX } from "../proxy/record/names.ts";
import { TRAFFIC_ANNOTATIONS } from "../schemas/names.ts";
import { serveGrpc, serveHttp } from "./testing/application.ts";
import { ask } from "./testing/ask.ts";
import { connectFrom } from "./testing/http2-client.ts";
import { inPod } from "./testing/in-pod.ts";
import { type Mesh, MESH_TIMEOUT_MS, openMesh } from "./testing/mesh.ts";
import { dialRaw, listenRaw } from "./testing/raw-socket.ts";
import { readCount, routeObject } from "./testing/routes.ts";

setDefaultTimeout(60_000);

const PORTS = {
  http: 8080,
  grpc: 9000,
  /** Nobody may call it. */
  closed: 8081,
  /** In Linkerd's default list of opaque ports. */
  opaque: 9300,
  /** Nobody listens. */
  dead: 8082,
} as const;
const SERVICE_PORTS = [
  { name: "http", port: PORTS.http },
  { name: "grpc", port: PORTS.grpc, appProtocol: "kubernetes.io/h2c" },
  { name: "opaque", port: PORTS.opaque },
  { name: "closed", port: PORTS.closed },
  { name: "dead", port: PORTS.dead },
];

let mesh: Mesh;
let caller: Pod;
let server: Pod;
let outsider: Pod;
let services: Record<"routed" | "profiled" | "empty", {
  readonly name: string;
  readonly clusterIp: string;
}>;
const closing: (() => void)[] = [];

beforeAll(async () => {
  mesh = await openMesh("families");
  const { bed } = mesh;
  // Before any pod: a proxy asks again later for an address that the control plane has not heard of.
  const [routed, profiled, empty] = [
    await bed.addService({ name: "routed", ports: SERVICE_PORTS }),
    await bed.addService({ name: "profiled", ports: SERVICE_PORTS }),
    await bed.addService({ name: "empty", ports: SERVICE_PORTS }),
  ];
  const retried = {
    [TRAFFIC_ANNOTATIONS.retryHttp]: "503",
    [TRAFFIC_ANNOTATIONS.retryLimit]: "2",
  };
  await bed.apply(routeObject(
    "HTTPRoute",
    { name: "routed", port: PORTS.http },
    [{ backendRefs: [{ name: "routed", port: PORTS.http }] }],
    { annotations: retried },
  ));
  await bed.apply({
    apiVersion: "linkerd.io/v1alpha2",
    kind: "ServiceProfile",
    metadata: {
      name: "profiled.default.svc.cluster.local",
      namespace: "default",
    },
    spec: {
      routes: [{
        name: "all",
        condition: { pathRegex: "/.*" },
        isRetryable: true,
      }],
    },
  });
  await bed.apply({
    apiVersion: "policy.linkerd.io/v1beta3",
    kind: "Server",
    metadata: { name: "closed", namespace: "default" },
    spec: {
      podSelector: { matchLabels: { app: "server" } },
      port: PORTS.closed,
      proxyProtocol: "HTTP/1",
      accessPolicy: "deny",
    },
  });
  [caller, server, outsider] = await Promise.all([
    bed.addPod({
      name: "caller",
      proxyEnv: { LINKERD2_PROXY_OUTBOUND_METRICS_HOSTNAME_LABELS: "true" },
    }),
    bed.addPod({
      name: "server",
      ports: Object.values(PORTS),
      proxyEnv: {
        LINKERD2_PROXY_INBOUND_METRICS_AUTHORITY_LABELS: "unsafe",
      },
    }),
    bed.addPod({ name: "outsider", meshed: false }),
  ]);
  const answer = (path: string) => Number(path.slice(1)) || 200;
  closing.push(
    serveHttp(server, PORTS.http, ({ path }) => answer(path)).close,
    serveHttp(server, PORTS.closed).close,
    serveGrpc(server, PORTS.grpc, ({ path }) => path === "/a.B/Bad" ? 14 : 0)
      .close,
    listenRaw(server, PORTS.opaque, (socket) => {
      void socket.ended.then(() => {
        socket.write("bye");
        socket.finish();
      });
    }).close,
  );
  services = { routed, profiled, empty };
  for (const service of [routed, profiled]) {
    await service.setEndpoints([server]);
    await waitFor(
      async () =>
        (await ask(caller, service, PORTS.http)).status === 200 || null,
      { what: () => `${service.name} in use`, timeoutMs: 45_000 },
    );
  }
}, MESH_TIMEOUT_MS);

afterAll(async () => {
  for (const close of closing) close();
  await mesh.close();
}, MESH_TIMEOUT_MS);

const pages = () =>
  Promise.all([caller, server].map((pod) => proxyOf(pod).metrics()));

/** Something of every kind that a pair of proxies carries. */
async function driveAll(): Promise<void> {
  const { routed, profiled, empty } = services;
  const paths = ["/200", "/404", "/500", "/503"];
  for (const service of [routed, profiled]) {
    for (const path of paths) {
      await ask(caller, service, PORTS.http, { path, body: "hello" });
    }
  }
  const grpc = await connectFrom(caller, routed.clusterIp, PORTS.grpc);
  await grpc.call("/a.B/Good");
  await grpc.call("/a.B/Bad");
  await grpc.get("/plain");
  grpc.close();
  await ask(caller, routed, PORTS.closed);
  await ask(caller, routed, PORTS.dead);
  await ask(caller, empty, PORTS.http);
  const raw = await dialRaw(caller, routed.clusterIp, PORTS.opaque);
  raw.write("hello");
  raw.finish();
  await raw.ended;
  // An address that is nobody's Service, and one that nobody has.
  await ask(caller, { name: "pod", clusterIp: server.ip }, PORTS.http);
  await outsider.exec([
    ...["curl", "-sk", "--max-time", "5"],
    `https://named.example:${PORTS.http}/`,
    ...["--resolve", `named.example:${PORTS.http}:${server.ip}`],
  ]);
  await ask(outsider, { name: "pod", clusterIp: server.ip }, PORTS.closed);
}

/** What the page of at least one of the two must have after that. */
const SEEN = [
  /^inbound_(http|grpc)_(requests|statuses)_total /,
  /^inbound_http_authz_(allow|deny)_total /,
  /^inbound_tcp_authz_allow_total /,
  /^(inbound|outbound)_http_errors_total /,
  /^inbound_tcp_detect_http_(duration_seconds|results_total) /,
  /^outbound_(http|grpc)_route_(request|backend_response)_statuses_total /,
  /^outbound_http_route_retry_(requests|limit_exceeded)_total /,
  /^outbound_(http|tcp)_balancer_endpoints /,
  /^outbound_tcp_route_(open|close)_total /,
  /^outbound_tcp_protocol_connections_total /,
  /^outbound_tcp_transfer_cost_bytes_total /,
  /^route_(actual_)?(request|response)_total /,
  /^route_retryable_total /,
  /^(request|response)_total /,
  /^response_latency_ms /,
  /^tcp_(open|close|read_bytes|write_bytes)_total /,
  /^control_(request|response)_total /,
  /^control_(identity|destination|policy)_balancer_endpoints /,
  /^process_resident_memory_bytes /,
];

test("whatever a pair of proxies counts is in the table, with its labels in their order", async () => {
  await driveAll();
  const known = new Set(await knownVocabulary());
  const said = new Set((await pages()).flatMap(vocabularyOf));
  expect([...said].filter((line) => !known.has(line))).toEqual([]);
  for (const pattern of SEEN) {
    // Each alternative of the pattern, as often as the table has it.
    const wanted = new Set(
      [...known].map((line) => pattern.exec(line)?.[0])
        .filter((match) => match !== undefined),
    );
    const found = new Set([...said].map((line) => pattern.exec(line)?.[0]));
    expect(wanted.size).toBeGreaterThan(0);
    expect([...wanted].filter((name) => !found.has(name))).toEqual([]);
  }
  const [, served = ""] = await pages();
  expect(served).toContain(`tls="opaque",sni="named.example"`);
  expect(served.endsWith("# EOF\n")).toBe(true);
});

/** More than a family has room for. */
const FLOOD = SERIES_MAX + 100;

/** Calls with each number below `count`, some at once. */
async function eachOf(
  count: number,
  act: (at: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  await Promise.all(Array.from({ length: 32 }, async () => {
    while (next < count) await act(next++);
  }));
}

/** The most series that a family has on a page. */
function mostOf(page: string): number {
  const counts = new Map<string, number>();
  for (const [, name = ""] of page.matchAll(/^(\w+)\{(?!.*\ble=)/gm)) {
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return Math.max(...counts.values());
}

test("names, addresses and ports that peers make up fill no page", async () => {
  const client = await inPod(
    caller,
    () => dialRaw(caller, services.routed.clusterIp, PORTS.http),
  );
  for (let at = 0; at < FLOOD; at++) {
    client.write(`GET /200 HTTP/1.1\r\nhost: ${at}.example\r\n\r\n`);
  }
  await client.until((text) => text.split("HTTP/1.1 200").length > FLOOD);
  client.destroy();
  await eachOf(FLOOD, async (at) => {
    const socket = await dialRaw(caller, server.ip, 20_000 + at);
    socket.write("x");
    socket.finish();
    await socket.ended.catch(() => {});
    socket.destroy();
  });
  const [sent = "", served = ""] = await pages();
  for (const page of [sent, served]) {
    expect(mostOf(page)).toBeLessThanOrEqual(SERIES_MAX + 1);
    expect(page).toMatch(
      /^proxy_metrics_overflow_total\{metric="tcp_open_total"\} [1-9]/m,
    );
  }
  const hosts = (page: string, label: string) =>
    new Set(
      [...page.matchAll(new RegExp(`\\b${label}="(\\d+\\.example)"`, "g"))]
        .map(([, host]) => host),
    ).size;
  expect(hosts(sent, "hostname")).toBeWithin(NAMES_MAX - 10, NAMES_MAX + 1);
  expect(hosts(served, "authority")).toBeWithin(NAMES_MAX - 10, NAMES_MAX + 1);
  const others = { hostname: "other", http_status: "200" };
  const requests = "outbound_http_route_request_statuses_total";
  expect(await readCount(caller, requests, others))
    .toBeGreaterThan(FLOOD - NAMES_MAX);
  // Nothing is lost, only told apart no more.
  expect(
    await readCount(server, "tcp_open_total", { direction: "inbound" }) +
      await readCount(server, "tcp_open_total", { overflow: "true" }),
  ).toBeGreaterThan(FLOOD);
}, 120_000);
