import { create, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "bun:test";
import { toProfile } from "../control/serve/destination/profile.ts";
import { decodeProfile } from "../proxy/wire/destination.ts";
import {
  DestinationProfileSchema,
  RequestMatchSchema,
} from "../schemas/proto/gen/destination_pb.ts";
import type { Meta } from "../schemas/policy.ts";
import type { ProfileRouting, RequestCondition } from "../schemas/profile.ts";

const resource = (kind: string, name: string): Meta => ({
  kind: "resource",
  resource: {
    group: "core",
    kind,
    name,
    namespace: "shop",
    section: "",
    port: 80,
  },
});

const ROUTING: ProfileRouting = {
  routes: [{
    condition: {
      kind: "all",
      conditions: [
        { kind: "path", pattern: "/books/\\d+" },
        { kind: "not", condition: { kind: "method", method: "PURGE" } },
        { kind: "any", conditions: [{ kind: "method", method: "GET" }] },
      ],
    },
    responseClasses: [{
      condition: {
        kind: "any",
        conditions: [
          { kind: "status", min: 500, max: 599 },
          {
            kind: "not",
            condition: {
              kind: "all",
              conditions: [{ kind: "status", min: 100, max: 499 }],
            },
          },
        ],
      },
      isFailure: true,
    }],
    labels: { route: "GET /books/{id}" },
    retries: true,
    timeoutMs: 1_500,
  }],
  retryBudget: { retryRatio: 0.25, minRetriesPerSecond: 7, ttlMs: 30_000 },
  targets: [
    {
      authority: "web-2.shop.svc.cluster.local:80",
      weight: 5_000,
      backend: resource("Service", "web-2"),
    },
    { authority: "example.org:80", weight: 0, backend: null },
  ],
  parent: resource("Service", "web"),
  profile: resource("ServiceProfile", "web.shop.svc.cluster.local"),
};

function throughTheWire(routing: ProfileRouting) {
  const message = toProfile({
    kind: "service",
    service: { namespace: "shop", name: "web" },
    port: 80,
    opaque: false,
    routing,
  }, "cluster.local");
  const notices = new Set<string>();
  const bytes = toBinary(DestinationProfileSchema, message);
  return { profile: decodeProfile(bytes, notices), notices: [...notices] };
}

test("a proxy reads of a profile all that the control plane says", () => {
  const { profile, notices } = throughTheWire(ROUTING);
  expect(profile.fullyQualifiedName).toBe("web.shop.svc.cluster.local");
  expect(profile.routing).toEqual(ROUTING);
  expect(notices).toEqual([]);
});

test("a profile without routes and splits leaves routing to client policy", () => {
  const { profile } = throughTheWire({ ...ROUTING, routes: [], targets: [] });
  expect(profile.routing).toBeNull();
});

test("a budget out of bounds permits nothing", () => {
  for (
    const wrong of [{ ttlMs: 500 }, { ttlMs: 61_000 }, { retryRatio: 1_001 }]
  ) {
    const budget = { retryRatio: 0.2, minRetriesPerSecond: 1, ttlMs: 10_000 };
    const { profile, notices } = throughTheWire({
      ...ROUTING,
      retryBudget: { ...budget, ...wrong },
    });
    expect(profile.routing?.retryBudget).toBeNull();
    expect(notices.join()).toContain("nothing is retried");
  }
});

test("a route whose condition is not understood takes no request, not even by its opposite", () => {
  const bytes = toBinary(
    DestinationProfileSchema,
    create(DestinationProfileSchema, {
      fullyQualifiedName: "web.shop.svc.cluster.local",
      routes: [{
        condition: {
          match: { case: "not", value: create(RequestMatchSchema) },
        },
      }, {
        condition: { match: { case: "path", value: { regex: "(" } } },
        metricsLabels: { route: "broken" },
      }],
    }),
  );
  const notices = new Set<string>();
  expect(decodeProfile(bytes, notices).routing?.routes).toEqual([]);
  expect([...notices].join()).toContain("route broken of a service profile");
});

test("conditions may be as deep as admission lets them be", () => {
  let condition: RequestCondition = { kind: "method", method: "GET" };
  for (let depth = 0; depth < 16; depth++) {
    condition = {
      kind: "all",
      conditions: [{ kind: "any", conditions: [condition] }],
    };
  }
  const [route] = ROUTING.routes;
  if (route === undefined) throw new Error("a route was expected");
  const routes = [{ ...route, condition }];
  expect(throughTheWire({ ...ROUTING, routes }).profile.routing?.routes)
    .toEqual(routes);
});
