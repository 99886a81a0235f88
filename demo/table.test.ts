import { expect, test } from "bun:test";
import kleur from "kleur";
import type { Edge } from "./edges.ts";
import { formatTable } from "./table.ts";

const IDENTITY = ".shop.serviceaccount.identity.linkerd.cluster.local";
const SECURED: Edge = {
  src: "web",
  dst: "catalog-1",
  protocol: "http",
  secured: true,
  tls: "TLSv1.3",
  clientId: `web${IDENTITY}`,
  serverId: `catalog${IDENTITY}`,
  requests: 500,
  denied: 0,
  successRate: 0.9999,
  p50Ms: 1.25,
  p95Ms: 12,
  p99Ms: 123.4,
};
const PLAIN: Edge = {
  ...SECURED,
  dst: "legacy",
  secured: false,
  tls: null,
  clientId: null,
  serverId: null,
  denied: 0,
  successRate: 1,
  p50Ms: null,
};

kleur.enabled = false;

test("the table fits 80 columns and says who, how fast, how well and how safely", () => {
  const lines = formatTable([SECURED, PLAIN], 10, 80);
  expect(lines).toEqual([
    "FROM  TO         PROTO   RPS     OK  P50 ms  P95 ms  P99 ms  SECURED",
    "web   catalog-1  http   50.0  99.9%     1.3    12.0     123  TLSv1.3",
    "web   legacy     http   50.0   100%       -    12.0     123  no",
  ]);
});

test("what policy denies is said", () => {
  const [, line = ""] = formatTable([{ ...SECURED, denied: 3 }], 10, 80);
  expect(line).toEndWith("TLSv1.3 denied");
});

test("a wide terminal shows identities too", () => {
  const [, line = ""] = formatTable([SECURED], 10, 120);
  expect(line).toEndWith("TLSv1.3  web.shop to catalog.shop");
});

test("no line is longer than a narrow terminal", () => {
  const long = { ...SECURED, src: "a-pod-with-a-very-long-name-".repeat(4) };
  for (const line of formatTable([long], 10, 80)) {
    expect(line.length).toBeLessThanOrEqual(80);
  }
});
