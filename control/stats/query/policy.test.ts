import { expect, test } from "bun:test";
import { createMemoryReadings } from "../memory.ts";
import { addPage, createPodHistory } from "../pod-history.ts";
import { readStat } from "./stat.ts";

const NOW = 1_000_000;
const WINDOW_MS = 60_000;

const SERVER = 'srv_kind="server",srv_name="web-http"';
const ROUTE = 'route_kind="HTTPRoute",route_name="reads"';
const AUTHORIZED = 'authz_kind="authorizationpolicy",authz_name="callers"';

/** A page after so many requests; a sixth of them is denied. */
function page(requests: number): string {
  const permitted = `${SERVER},${ROUTE},${AUTHORIZED}`;
  return [
    `response_total{direction="inbound",classification="success",tls="true",${permitted}} ${requests}`,
    `response_total{direction="inbound",classification="success",tls="true",srv_kind="default",srv_name="all"} ${requests}`,
    `inbound_http_authz_allow_total{${permitted}} ${requests}`,
    `inbound_http_authz_deny_total{${SERVER},${ROUTE}} ${requests / 5}`,
    `tcp_open_connections{direction="inbound",peer="src",${SERVER}} 3`,
    "",
  ].join("\n");
}

const history = createPodHistory({ namespace: "shop", pod: "web-1" });
addPage(history, page(0), NOW - WINDOW_MS);
addPage(history, page(120), NOW);
const readings = createMemoryReadings(() => [history], () => NOW);

function stat(kind: string, more = {}) {
  const target = { kind, name: null, namespace: "shop", ...more };
  return readStat(
    { target, windowMs: WINDOW_MS, to: null, from: null },
    readings,
    () => [],
  );
}

test("a Server, a route and an authorization have what came by them", async () => {
  expect(await stat("server")).toMatchObject([{
    kind: "server",
    namespace: "shop",
    name: "web-http",
    pods: null,
    golden: { success: 120, failure: 0, secured: 120 },
    tcp: { open: 3 },
    policy: { server: "web-http", allowed: 120, denied: 24 },
  }]);
  expect(await stat("httproute")).toMatchObject([{
    name: "reads",
    tcp: null,
    policy: { server: "web-http", allowed: 120, denied: 24 },
  }]);
  expect(await stat("authorizationpolicy")).toMatchObject([{
    name: "callers",
    policy: { server: null, allowed: 120, denied: 0 },
  }]);
  expect(await stat("serverauthorization")).toEqual([]);
  expect(await stat("server", { name: "other" })).toEqual([]);
  expect(await stat("server", { namespace: "other" })).toEqual([]);
});

test("policies have no other end", async () => {
  const web = { kind: "deployment", name: "web", namespace: "shop" };
  const server = { kind: "server", name: null, namespace: "shop" };
  for (const [to, from] of [[web, null], [null, web]] as const) {
    const query = { target: server, windowMs: WINDOW_MS, to, from };
    await expect(readStat(query, readings, () => [])).rejects.toThrow(
      `'${to === null ? "from" : "to"}' queries are not supported with policy`,
    );
  }
});
