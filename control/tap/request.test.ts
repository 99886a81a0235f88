import { expect, test } from "bun:test";
import { toJson } from "@bufbuild/protobuf";
import { ObserveRequestSchema } from "../../schemas/proto/gen/tap_pb.ts";
import type { TapFilter } from "../../schemas/tap.ts";
import { translateFilter } from "./request.ts";
import { ALL } from "./testing/proxies.ts";

function asked(filter: Partial<TapFilter>) {
  return toJson(
    ObserveRequestSchema,
    translateFilter({ ...ALL, ...filter })(5),
  ) as unknown;
}

const matching = (...matches: unknown[]) => ({
  limit: 5,
  match: { all: matches.length === 0 ? {} : { matches } },
});

test("everything", () => expect(asked({})).toEqual(matching()));

test("by method, scheme, authority and path", () => {
  expect(
    asked({ method: "get", scheme: "https", authority: "web", path: "/a" }),
  ).toEqual(matching(
    { http: { scheme: { registered: "HTTPS" } } },
    { http: { method: { registered: "GET" } } },
    { http: { authority: { exact: "web" } } },
    { http: { path: { prefix: "/a" } } },
  ));
  expect(asked({ method: "purge", scheme: "0" })).toEqual(matching(
    { http: { scheme: { unregistered: "0" } } },
    { http: { method: { unregistered: "purge" } } },
  ));
});

test.each<[string, string | null, Record<string, string>]>([
  ["service", "api", { service: "api", namespace: "shop" }],
  ["deployment", "api", { deployment: "api", namespace: "shop" }],
  ["job", "tidy", { k8s_job: "tidy", namespace: "shop" }],
  ["pod", null, { namespace: "shop" }],
  ["namespace", "db", { namespace: "db" }],
  ["namespace", null, { namespace: "shop" }],
])("to %s %s", (kind, name, labels) => {
  expect(asked({ to: { kind, name, namespace: "shop" } })).toEqual(
    matching(
      ...Object.entries(labels).map(([key, value]) => ({
        destinationLabel: { key, value },
      })),
    ),
  );
});

test("with header fields", () => {
  expect(asked({ headers: true })).toMatchObject({
    extract: { http: { headers: {} } },
  });
});
