// What two proxies say of traffic of every kind is in the table of all metrics (proxy/record/testdata/families.txt), with
// its labels in their order; and neither of them says more and more, whatever its peers make up.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { proxyOf } from "../../demo/bed/pod.ts";
import {
  knownVocabulary,
  vocabularyOf,
} from "../../proxy/record/testing/vocabulary.ts";
import { SERIES_MAX } from "../../proxy/record.ts";
import { NAMES_MAX } from "../../proxy/record/names.ts";
import {
  type AllTraffic,
  openAllTraffic,
  PORTS,
} from "../testing/all-traffic.ts";
import { inPod } from "../testing/in-pod.ts";
import { MESH_TIMEOUT_MS } from "../testing/mesh.ts";
import { dialRaw } from "../testing/raw-socket.ts";
import { readCount } from "../testing/routes.ts";

setDefaultTimeout(60_000);

let all: AllTraffic;
beforeAll(async () => {
  all = await openAllTraffic("families");
}, MESH_TIMEOUT_MS);
afterAll(() => all.close(), MESH_TIMEOUT_MS);

const pages = () =>
  Promise.all([all.caller, all.server].map((pod) => proxyOf(pod).metrics()));

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
  await all.drive();
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
  const { caller, server, services } = all;
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
}, 240_000);
