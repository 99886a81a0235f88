import { expect, test } from "bun:test";
import type { Edge } from "./edges.ts";
import { type Evidence, findFaults } from "./verdict.ts";

const EDGE: Edge = {
  src: "web",
  dst: "orders",
  protocol: "http",
  secured: true,
  tls: "TLSv1.3",
  clientId: "web.shop",
  serverId: "orders.shop",
  requests: 10,
  denied: 0,
  successRate: 1,
  p50Ms: 1,
  p95Ms: 1,
  p99Ms: 1,
};
const GOOD: Evidence = {
  edges: [EDGE, {
    ...EDGE,
    dst: "legacy",
    secured: false,
    tls: null,
    clientId: null,
    serverId: null,
  }],
  meshed: new Set(["web", "orders"]),
  load: {
    seconds: 1,
    requests: 10,
    succeeded: 10,
    failed: 0,
    statuses: { "200": 10 },
    errors: {},
    connections: 1,
    rps: 10,
    latencyMs: { mean: 1, p50: 1, p95: 1, p99: 1, p999: 1, max: 1 },
  },
  sighting: { secretSeen: false, openSeen: true },
};

test("plaintext to a pod outside the mesh is no fault", () => {
  expect(findFaults(GOOD)).toEqual([]);
});

const FAULTY: readonly [string, Partial<Evidence>][] = [
  ["plaintext between meshed pods", {
    edges: [{ ...EDGE, secured: false, tls: null }],
  }],
  ["a client nobody verified", { edges: [{ ...EDGE, clientId: null }] }],
  ["a failed request", { edges: [{ ...EDGE, successRate: 0.99 }] }],
  ["a denied request", { edges: [{ ...EDGE, denied: 1 }] }],
  ["silence", { edges: [] }],
  ["a failed page", {
    load: { ...GOOD.load, failed: 1, statuses: { "200": 9, "502": 1 } },
  }],
  ["readable packets", { sighting: { secretSeen: true, openSeen: true } }],
  ["a blind capture", { sighting: { secretSeen: false, openSeen: false } }],
];

test.each(FAULTY)("%s is a fault", (_name, change) => {
  expect(findFaults({ ...GOOD, ...change })).toHaveLength(1);
});
