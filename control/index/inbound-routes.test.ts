import { expect, test } from "bun:test";
import { closeManifest } from "../../schemas/kube/close.ts";
import { applies, deletes, serverManifest } from "../testing/objects.ts";
import {
  authorizationManifest,
  GATEWAY_GROUP,
  httpRoutesOf,
  indexOf,
  policyOf,
  routeManifest,
  routeNames,
} from "../testing/policies.ts";

const created = (year: number) => ({
  creationTimestamp: `${year}-01-01T00:00:00Z`,
});
const server = serverManifest("web");
const speaking = (proxyProtocol: string) =>
  serverManifest("web", { spec: { proxyProtocol } });
const path = (value: string, type = "Exact") => ({
  matches: [{ path: { type, value } }],
});

test("routes replace the default one, the oldest first, and deleting them restores it", () => {
  const young = routeManifest("HTTPRoute", "a", ["web"], [], created(2026));
  const old = routeManifest("HTTPRoute", "b", ["web"], [], {
    apiVersion: `${GATEWAY_GROUP}/v1`,
    ...created(2025),
  });
  const other = routeManifest("HTTPRoute", "c", ["api"], []);
  const index = indexOf([server, young, old, other]);
  const names = () => routeNames(policyOf(index).protocol);
  expect(names()).toEqual(["b", "a"]);
  expect(httpRoutesOf(policyOf(index))[0]?.meta).toEqual({
    kind: "resource",
    resource: {
      group: GATEWAY_GROUP,
      kind: "HTTPRoute",
      name: "b",
      namespace: "shop",
      section: "",
      port: 0,
    },
  });
  index.apply(applies(
    routeManifest("HTTPRoute", "b", ["api", "web"], [], created(2027)),
  ));
  expect(names()).toEqual(["b", "a", "b"]);
  index.apply(deletes(young, old));
  index.apply(
    applies(routeManifest("HTTPRoute", "b", ["api"], [], created(2027))),
  );
  expect(names()).toEqual(["default"]);
});

test("a route of another namespace has no say", () => {
  const parentRefs = [{
    group: "policy.linkerd.io",
    kind: "Server",
    name: "web",
    namespace: "shop",
  }];
  const object = closeManifest({
    apiVersion: "policy.linkerd.io/v1beta3",
    kind: "HTTPRoute",
    metadata: { name: "r", namespace: "other" },
    spec: { parentRefs },
  });
  if (object === null) throw new Error("a route was expected");
  const index = indexOf([server]);
  index.apply([{ kind: "apply", object }]);
  expect(routeNames(policyOf(index).protocol)).toEqual(["default"]);
});

test("an HTTPRoute is told as it is written, with the defaults of its schema", () => {
  const index = indexOf([
    server,
    routeManifest("HTTPRoute", "r", ["web"], [
      {
        matches: [
          {
            path: { type: "RegularExpression", value: "/a.*" },
            headers: [
              { name: "X-Who", value: "me" },
              { name: "X-What", value: "b+", type: "RegularExpression" },
            ],
            queryParams: [{ name: "Q", value: "1" }],
            method: "POST",
          },
          {},
        ],
        filters: [
          {
            type: "RequestHeaderModifier",
            requestHeaderModifier: {
              add: [{ name: "X-Add", value: "1" }],
              set: [{ name: "X-Set", value: "2" }],
              remove: ["X-Gone"],
            },
          },
          {
            type: "RequestRedirect",
            requestRedirect: {
              hostname: "a.example",
              path: { type: "ReplacePrefixMatch", replacePrefixMatch: "/b" },
            },
          },
        ],
      },
      {},
    ], { hostnames: ["Web.example", "*.Example.org"] }),
    routeManifest("HTTPRoute", "s", ["web"], undefined),
  ]);
  const root = { kind: "prefix", path: "/" } as const;
  const any = { path: root, headers: [], queryParams: [], method: null };
  const [route, bare] = httpRoutesOf(policyOf(index));
  expect(route).toMatchObject({
    hosts: [
      { kind: "exact", host: "web.example" },
      { kind: "suffix", suffix: ".example.org" },
    ],
    rules: [
      {
        matches: [
          {
            path: { kind: "regex", pattern: "/a.*" },
            headers: [
              { name: "x-who", value: { kind: "exact", value: "me" } },
              { name: "x-what", value: { kind: "regex", pattern: "b+" } },
            ],
            queryParams: [{ name: "Q", value: { kind: "exact", value: "1" } }],
            method: "POST",
          },
          any,
        ],
        filters: [
          {
            kind: "request-headers",
            add: [["x-add", "1"]],
            set: [["x-set", "2"]],
            remove: ["x-gone"],
          },
          {
            kind: "redirect",
            scheme: null,
            host: "a.example",
            path: { kind: "prefix", path: "/b" },
            port: null,
            status: 302,
          },
        ],
      },
      { matches: [any], filters: [] },
    ],
  });
  expect(bare?.rules).toEqual([{ matches: [any], filters: [] }]);
});

test("a rule with a filter that a proxy cannot do denies what it matches", () => {
  for (const type of ["RequestMirror", "URLRewrite", "CORS", "ExtensionRef"]) {
    const index = indexOf([
      server,
      routeManifest("HTTPRoute", "r", ["web"], [
        { ...path("/a"), filters: [{ type }] },
        path("/b"),
      ]),
    ]);
    expect(httpRoutesOf(policyOf(index))[0]?.rules).toMatchObject([
      { filters: [{ kind: "failure", status: 403 }] },
      { filters: [] },
    ]);
    const grpc = indexOf([
      speaking("gRPC"),
      routeManifest("GRPCRoute", "r", ["web"], [{ filters: [{ type }] }]),
    ]);
    expect(policyOf(grpc).protocol).toMatchObject({
      kind: "grpc",
      routes: [{ rules: [{ filters: [{ kind: "failure", code: 7 }] }] }],
    });
  }
});

test("a route that cannot be read denies every request to its Servers", () => {
  const rules = [{ matches: [{ cookies: [] }] }];
  const open = routeManifest("HTTPRoute", "open", ["web"], [path("/a")]);
  for (const protocol of ["HTTP/2", "gRPC"]) {
    for (const kind of ["HTTPRoute", "GRPCRoute"] as const) {
      const shut = closeManifest(routeManifest(kind, "odd", ["web"], rules));
      if (shut === null) throw new Error("a route was expected");
      const index = indexOf([
        speaking(protocol),
        ...kind === "HTTPRoute" ? [open] : [],
        authorizationManifest("p", "web", []),
      ]);
      const { warnings } = index.apply([{ kind: "apply", object: shut }]);
      expect(warnings).toEqual([
        `${kind} shop/odd cannot be read: all requests to its Servers are denied`,
      ]);
      expect(policyOf(index).protocol).toMatchObject({
        routes: [{
          meta: { resource: { name: "odd" } },
          authorizations: [],
          rules: [{ filters: [{ kind: "failure" }] }],
        }],
      });
      expect(routeNames(policyOf(index).protocol)).toEqual(["odd"]);
    }
  }
});

test("GRPCRoutes hold on Servers of gRPC as such, and on those of HTTP as what gRPC is", () => {
  const route = routeManifest("GRPCRoute", "g", ["web"], [{
    matches: [
      { method: { service: "a.B", method: "C" } },
      { method: { service: "a.B" } },
      { method: { method: "C" }, headers: [{ name: "X", value: "y" }] },
      {},
    ],
  }, {}]);
  const header = { name: "x", value: { kind: "exact", value: "y" } };
  const index = indexOf([speaking("gRPC"), route]);
  expect(policyOf(index).protocol).toMatchObject({
    kind: "grpc",
    routes: [{
      rules: [{
        matches: [
          { service: "a.B", method: "C", headers: [] },
          { service: "a.B", method: null },
          { service: null, method: "C", headers: [header] },
          { service: null, method: null },
        ],
      }, { matches: [] }],
    }],
  });
  for (const protocol of ["unknown", "HTTP/1", "HTTP/2"]) {
    index.apply(applies(speaking(protocol)));
    const rules = httpRoutesOf(policyOf(index))[0]?.rules;
    expect(rules?.flatMap(({ matches }) => matches)).toMatchObject([
      { method: "POST", path: { kind: "exact", path: "/a.B/C" } },
      { method: "POST", path: { kind: "prefix", path: "/a.B" } },
      {
        method: "POST",
        path: { kind: "regex", pattern: "/[^/]+/C" },
        headers: [header],
      },
      { method: "POST", path: { kind: "prefix", path: "/" } },
      { method: "POST", path: { kind: "prefix", path: "/" } },
    ]);
  }
});

test("an HTTPRoute on a Server of gRPC holds, and turns it into one of HTTP/2", () => {
  const index = indexOf([
    speaking("gRPC"),
    routeManifest("GRPCRoute", "g", ["web"], [{}], created(2025)),
    routeManifest("HTTPRoute", "h", ["web"], [path("/a.B/C")], created(2026)),
  ]);
  const { protocol } = policyOf(index);
  expect(protocol.kind).toBe("http2");
  expect(routeNames(protocol)).toEqual(["g", "h"]);
});
