import { expect, test } from "bun:test";
import { parseManifest } from "../manifest.ts";

const profile = (spec: unknown) => ({
  apiVersion: "linkerd.io/v1alpha2",
  kind: "ServiceProfile",
  metadata: { name: "web.shop.svc.cluster.local", namespace: "shop" },
  spec,
});
const route = (fields: object) => ({
  routes: [{ name: "GET /", condition: { method: "GET" }, ...fields }],
});
const answer = (condition: unknown) =>
  route({ responseClasses: [{ condition }] });

test.each([
  [{}],
  [route({ isRetryable: true, timeout: "1m30s" })],
  [route({
    condition: {
      all: [{ pathRegex: "/a" }, { not: { any: [{ method: "PUT" }] } }],
    },
  })],
  [answer({ status: { min: 500, max: 599 } })],
  [answer({ status: { min: 500 } })],
  [{ retryBudget: { minRetriesPerSecond: 10, retryRatio: 0.2, ttl: "10s" } }],
  [{ dstOverrides: [{ authority: "web-2", weight: "500m" }] }],
])("%j is good", (spec) => {
  expect(parseManifest(profile(spec))).toMatchObject({ object: { spec } });
});

test.each([
  ["spec.route", { route: [] }],
  ["spec.routes[0].name", route({ name: "" })],
  ["spec.routes[0].condition", { routes: [{ name: "a" }] }],
  ["spec.routes[0].condition", route({ condition: {} })],
  ["spec.routes[0].condition.path", route({ condition: { path: "/" } })],
  [
    "spec.routes[0].condition.all[0].not",
    route({ condition: { all: [{ not: {} }] } }),
  ],
  ["spec.routes[0].condition.any[0]", route({ condition: { any: [null] } })],
  [
    "spec.routes[0].condition.pathRegex",
    route({ condition: { pathRegex: "(" } }),
  ],
  ["spec.dstOverrides[0].weight", { dstOverrides: [{ weight: "half" }] }],
  ["spec.routes[0].timeout", route({ timeout: "1" })],
  ["spec.routes[0].isRetriable", route({ isRetriable: true })],
  [
    "spec.routes[0].responseClasses[0].condition.status.min",
    answer({ status: { min: 99 } }),
  ],
  [
    "spec.routes[0].responseClasses[0].condition.status.max",
    answer({ status: { min: 500, max: 400 } }),
  ],
  [
    "spec.routes[0].responseClasses[0].condition.method",
    answer({ method: "GET" }),
  ],
  ["spec.retryBudget.ttl", {
    retryBudget: { minRetriesPerSecond: 1, retryRatio: 0.1, ttl: "soon" },
  }],
  ["spec.retryBudget.retryRatio", {
    retryBudget: { minRetriesPerSecond: 1, retryRatio: -1, ttl: "1s" },
  }],
])("a mistake at %s is named", (field, spec) => {
  expect(() => parseManifest(profile(spec))).toThrow(field);
});

test("a name that is no DNS name is refused", () => {
  const wrong = { ...profile({}), metadata: { name: "Web_1" } };
  expect(() => parseManifest(wrong)).toThrow("metadata.name");
});
