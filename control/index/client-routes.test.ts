import { expect, test } from "bun:test";
import { applies, deletes, serviceManifest } from "../testing/objects.ts";
import { createIndex } from "./fold.ts";
import { createSettings } from "./settings.ts";
import { indexOf, policyManifest } from "../testing/policies.ts";
import {
  clientRoute,
  HTTP_KINDS,
  linesOfBackends,
  requestRoutes,
  routesTold,
  toldOf,
  WEB,
} from "../testing/routes.ts";

const created = (year: number) => ({
  creationTimestamp: `${year}-01-01T00:00:00Z`,
});
const web = serviceManifest("web", "10.43.0.1");
const canary = serviceManifest("web-2", "10.43.0.2");
const backend = (name: string, more: object = {}) => ({
  name,
  port: 80,
  ...more,
});
const rulesOf = (index: ReturnType<typeof indexOf>) =>
  requestRoutes(toldOf(index)).flatMap(({ rules }) => rules);
const backendsOf = (index: ReturnType<typeof indexOf>) =>
  rulesOf(index).map(({ backends }) => linesOfBackends(backends));

test("a Service without routes is called by a default one", () => {
  const index = indexOf([web]);
  expect(routesTold(toldOf(index))).toEqual(["http"]);
  expect(backendsOf(index)).toEqual([["first web.shop.svc.cluster.local:80"]]);
});

test.each(HTTP_KINDS)(
  "%s (%s): no rules are told as none, no backends as the Service itself, others by weight",
  (kind, apiVersion) => {
    const route = (rules: unknown[]) =>
      clientRoute(kind, "r", rules, { apiVersion });
    const index = indexOf([web, canary, route([])]);
    expect(requestRoutes(toldOf(index))).toMatchObject([{
      meta: { resource: { kind, name: "r", group: apiVersion.split("/")[0] } },
      rules: [],
    }]);
    index.apply(applies(route([{}])));
    expect(backendsOf(index))
      .toEqual([["first web.shop.svc.cluster.local:80"]]);
    index.apply(applies(route([{
      backendRefs: [
        backend("web", { weight: 90 }),
        backend("web-2", { port: 8080, weight: 10 }),
        backend("web-2"),
        backend("web", { weight: 0 }),
      ],
    }])));
    expect(backendsOf(index)).toEqual([[
      "90 web.shop.svc.cluster.local:80",
      "10 web-2.shop.svc.cluster.local:8080",
      "1 web-2.shop.svc.cluster.local:80",
      "0 web.shop.svc.cluster.local:80",
    ]]);
    expect(rulesOf(index)).toMatchObject([{
      filters: [],
      backends: {
        backends: [
          {
            backend: {
              meta: { resource: { group: "core", kind: "Service", port: 80 } },
            },
          },
          { backend: { meta: { resource: { name: "web-2", port: 8080 } } } },
          {},
          {},
        ],
      },
    }]);
  },
);

test.each(HTTP_KINDS)(
  "%s (%s): a backend that is not there keeps its share and answers it",
  (kind, apiVersion) => {
    const index = indexOf([
      web,
      clientRoute(kind, "r", [{
        backendRefs: [backend("web"), backend("gone", { weight: 3 })],
      }], { apiVersion }),
    ]);
    expect(backendsOf(index))
      .toEqual([["1 web.shop.svc.cluster.local:80", "3 nowhere gone"]]);
    const failure = { kind: "failure", message: "Service not found gone" };
    const expected = kind === "GRPCRoute" ? { code: 14 } : { status: 500 };
    expect(rulesOf(index)).toMatchObject([{
      backends: {
        backends: [{ filters: [] }, {
          filters: [{ ...failure, ...expected }],
        }],
      },
    }]);
    index.apply(applies(serviceManifest("gone", "10.43.0.9")));
    expect(backendsOf(index)[0]?.[1]).toBe("3 gone.shop.svc.cluster.local:80");
    index.apply(deletes(serviceManifest("gone", "10.43.0.9")));
    expect(backendsOf(index)[0]?.[1]).toBe("3 nowhere gone");
  },
);

test("a rule whose weights are all 0 answers as one without backends", () => {
  const index = indexOf([
    web,
    clientRoute("HTTPRoute", "r", [{
      backendRefs: [backend("web", { weight: 0 })],
    }]),
  ]);
  expect(rulesOf(index)).toMatchObject([{
    filters: [{ kind: "failure", status: 500 }],
  }]);
});

test("backends that cannot be sent to say why", () => {
  const external = serviceManifest("ext", "", {
    spec: { clusterIP: undefined, type: "ExternalName", externalName: "a.b" },
  });
  const index = indexOf([
    web,
    external,
    clientRoute("HTTPRoute", "r", [{
      backendRefs: [
        { group: "apps", kind: "Deployment", name: "d" },
        backend("ext"),
        { group: "policy.linkerd.io", kind: "EgressNetwork", name: "out" },
        backend("web", { filters: [{ type: "URLRewrite" }] }),
      ],
    }]),
  ]);
  const [rule] = rulesOf(index);
  expect(rule?.backends.backends.map(({ filters }) => filters)).toMatchObject([
    [{
      message:
        "Cannot send to d: a backend of kind Deployment (apps) is not supported",
    }],
    [{
      message:
        "Cannot send to Service ext: of type ExternalName, it has no endpoints",
    }],
    [{
      message:
        "Cannot send to EgressNetwork out: the route does not hang on it",
    }],
    [{ message: "a filter of backend web is not supported" }],
  ]);
  expect(backendsOf(index)[0]?.every((line) => line.includes("nowhere")))
    .toBe(true);
});

test("a backend of another namespace needs a ReferenceGrant there, of Gateway API's routes", () => {
  const far = serviceManifest("far", "10.43.0.3", { namespace: "other" });
  const rules = [{ backendRefs: [backend("far", { namespace: "other" })] }];
  const grant = (from: object, to: object) =>
    policyManifest("ReferenceGrant", "g", { from: [from], to: [to] }, {
      apiVersion: "gateway.networking.k8s.io/v1beta1",
      namespace: "other",
    });
  const shop = {
    group: "gateway.networking.k8s.io",
    kind: "HTTPRoute",
    namespace: "shop",
  };
  const services = { group: "", kind: "Service" };
  const index = indexOf([web, far, clientRoute("HTTPRoute", "r", rules)]);
  const granted = () =>
    backendsOf(index)[0]?.[0] === "1 far.other.svc.cluster.local:80";
  expect(granted()).toBe(false);
  expect(rulesOf(index)[0]?.backends.backends[0]?.filters).toMatchObject([{
    status: 500,
    message:
      "Cannot send to Service far of namespace other: no ReferenceGrant there is for HTTPRoutes of namespace shop",
  }]);
  const cases: [from: object, to: object, expected: boolean][] = [
    [shop, services, true],
    [shop, { ...services, name: "far" }, true],
    [shop, { ...services, name: "near" }, false],
    [shop, { group: "", kind: "Secret" }, false],
    [{ ...shop, namespace: "third" }, services, false],
    [{ ...shop, kind: "GRPCRoute" }, services, false],
    [{ ...shop, group: "policy.linkerd.io" }, services, false],
  ];
  for (const [from, to, expected] of cases) {
    index.apply(applies(grant(from, to)));
    expect({ from, to, granted: granted() })
      .toEqual({ from, to, granted: expected });
  }
  index.apply(applies(grant(shop, services)));
  index.apply(deletes(grant(shop, services)));
  expect(granted()).toBe(false);
  index.apply(applies(clientRoute("HTTPRoute", "r", rules, {
    apiVersion: "policy.linkerd.io/v1beta3",
  })));
  index.apply(deletes(clientRoute("HTTPRoute", "r", rules)));
  expect(granted()).toBe(true);
});

test("routes come the oldest first, then by name", () => {
  const index = indexOf([
    web,
    clientRoute("HTTPRoute", "c", [{}]),
    clientRoute("HTTPRoute", "b", [{}], created(2026)),
    clientRoute("HTTPRoute", "a", [{}], created(2026)),
    clientRoute("HTTPRoute", "d", [{}], created(2025)),
  ]);
  expect(routesTold(toldOf(index))).toEqual(["d", "a", "b", "c"]);
});

test("a parent's port and its name narrow a route, and neither means every port", () => {
  const ports = [{ name: "http", port: 80 }, { name: "admin", port: 8080 }];
  const at = (more: object) => [{ ...WEB, ...more }];
  const index = indexOf([serviceManifest("web", "10.43.0.1", {
    spec: { ports },
  })]);
  const told = () =>
    [80, 8080].map((port) => routesTold(toldOf(index, { port })).join());
  const cases: [parentRefs: object[], expected: string[]][] = [
    [at({}), ["r", "r"]],
    [at({ port: 80 }), ["r", "http"]],
    [at({ port: 8080 }), ["http", "r"]],
    [at({ port: 81 }), ["http", "http"]],
    [at({ sectionName: "admin" }), ["http", "r"]],
    [at({ sectionName: "admin", port: 8080 }), ["http", "r"]],
    [at({ sectionName: "admin", port: 80 }), ["http", "http"]],
    [at({ sectionName: "none" }), ["http", "http"]],
    [[...at({ port: 80 }), ...at({ port: 8080 })], ["r", "r"]],
    [at({ name: "other" }), ["http", "http"]],
    [at({ namespace: "other" }), ["http", "http"]],
    [at({ namespace: "shop" }), ["r", "r"]],
  ];
  for (const [parentRefs, expected] of cases) {
    index.apply(applies(clientRoute("HTTPRoute", "r", [{}], { parentRefs })));
    expect({ parentRefs, told: told() }).toEqual({
      parentRefs,
      told: expected,
    });
  }
});

test("a producer's route is for all clients, a consumer's for those of its namespace besides", () => {
  const parentRefs = [{ ...WEB, namespace: "shop" }];
  const index = indexOf([
    clientRoute("HTTPRoute", "mine", [{}], { namespace: "buyer", parentRefs }),
    clientRoute("HTTPRoute", "producer", [{}]),
  ]);
  index.apply(applies(web));
  const told = (clientNamespace: string) =>
    routesTold(toldOf(index, { clientNamespace }));
  expect(told("buyer")).toEqual(["mine", "producer"]);
  expect(told("shop")).toEqual(["producer"]);
  expect(told("third")).toEqual(["producer"]);
});

test("a consumer's route may send to the Service it is about, and by default does", () => {
  const parentRefs = [{ ...WEB, namespace: "shop" }];
  const more = { namespace: "buyer", parentRefs };
  const index = indexOf([web]);
  for (
    const backendRefs of [undefined, [backend("web", { namespace: "shop" })]]
  ) {
    const rule = backendRefs === undefined ? {} : { backendRefs };
    index.apply(applies(clientRoute("HTTPRoute", "r", [rule], more)));
    const [route] = requestRoutes(toldOf(index, { clientNamespace: "buyer" }));
    const [told] = route?.rules ?? [];
    expect(told && linesOfBackends(told.backends)[0])
      .toEndWith(" web.shop.svc.cluster.local:80");
  }
  // Without a namespace a backend is in the route's own.
  index.apply(applies(
    clientRoute("HTTPRoute", "r", [{ backendRefs: [backend("web")] }], more),
  ));
  const [route] = requestRoutes(toldOf(index, { clientNamespace: "buyer" }));
  expect(route?.rules[0]?.backends.backends[0]?.backend.meta)
    .toMatchObject({ resource: { name: "web", namespace: "buyer" } });
});

test("changing a route's parent restores the default route, and changing it back the route", () => {
  const index = indexOf([web, clientRoute("HTTPRoute", "r", [{}])]);
  const to = (name: string) =>
    index.apply(applies(clientRoute("HTTPRoute", "r", [{}], {
      parentRefs: [{ ...WEB, name }],
    })));
  expect(routesTold(toldOf(index))).toEqual(["r"]);
  to("other");
  expect(routesTold(toldOf(index))).toEqual(["http"]);
  to("web");
  expect(routesTold(toldOf(index))).toEqual(["r"]);
  index.apply(deletes(clientRoute("HTTPRoute", "r", [{}])));
  expect(routesTold(toldOf(index))).toEqual(["http"]);
});

test.each([HTTP_KINDS[0], HTTP_KINDS[1]])(
  "%s (%s): matches, hosts and filters are told as they are written, of rules and backends",
  (kind, apiVersion) => {
    const change = {
      add: [{ name: "X-Add", value: "1" }],
      set: [{ name: "x-set", value: "2" }],
      remove: ["X-Gone"],
    };
    const told = {
      add: [["x-add", "1"]],
      set: [["x-set", "2"]],
      remove: ["x-gone"],
    };
    const filters = [
      { type: "RequestHeaderModifier", requestHeaderModifier: change },
      { type: "ResponseHeaderModifier", responseHeaderModifier: change },
      {
        type: "RequestRedirect",
        requestRedirect: {
          scheme: "https",
          hostname: "a.example",
          port: 8443,
          path: { type: "ReplacePrefixMatch", replacePrefixMatch: "/b" },
          statusCode: 301,
        },
      },
      { type: "RequestRedirect", requestRedirect: { port: 81 } },
    ];
    const expected = [
      { kind: "request-headers", ...told },
      { kind: "response-headers", ...told },
      {
        kind: "redirect",
        scheme: "https",
        host: "a.example",
        port: 8443,
        path: { kind: "prefix", path: "/b" },
        status: 301,
      },
      {
        kind: "redirect",
        scheme: null,
        host: null,
        port: 81,
        path: null,
        status: 302,
      },
    ];
    const index = indexOf([
      web,
      clientRoute(kind, "r", [{
        matches: [{
          path: { type: "RegularExpression", value: "/a.*" },
          headers: [{ name: "X-Who", value: "me" }],
          queryParams: [{ name: "q", value: "1" }],
          method: "POST",
        }],
        filters,
        backendRefs: [backend("web", { filters })],
      }], { apiVersion, hostnames: ["A.example", "*.b.example"] }),
    ]);
    expect(requestRoutes(toldOf(index))).toMatchObject([{
      hosts: [
        { kind: "exact", host: "a.example" },
        { kind: "suffix", suffix: ".b.example" },
      ],
      rules: [{
        matches: [{
          path: { kind: "regex", pattern: "/a.*" },
          headers: [{ name: "x-who", value: { kind: "exact", value: "me" } }],
          queryParams: [{ name: "q", value: { kind: "exact", value: "1" } }],
          method: "POST",
        }],
        filters: expected,
        backends: { backends: [{ filters: expected }] },
      }],
    }]);
  },
);

test("a GRPCRoute's matches and filters are told as they are written", () => {
  const filters = [{
    type: "RequestHeaderModifier",
    requestHeaderModifier: { set: [{ name: "A", value: "1" }] },
  }];
  const expected = [{ kind: "request-headers", set: [["a", "1"]] }];
  const index = indexOf([
    web,
    clientRoute("GRPCRoute", "r", [{
      matches: [{
        method: { service: "a.B", method: "C" },
        headers: [{ name: "X", value: "y" }],
      }],
      filters,
      backendRefs: [backend("web", { filters })],
    }]),
  ]);
  expect(rulesOf(index)).toMatchObject([{
    matches: [{ service: "a.B", method: "C", headers: [{ name: "x" }] }],
    filters: expected,
    backends: { backends: [{ filters: expected }] },
  }]);
});

test("a route with a filter that no proxy can do is left out, and only it", () => {
  const index = indexOf([web, clientRoute("HTTPRoute", "good", [{}])]);
  for (const type of ["RequestMirror", "URLRewrite", "ExtensionRef"]) {
    const { warnings } = index.apply(applies(
      clientRoute("HTTPRoute", "bad", [{}, { filters: [{ type }] }]),
    ));
    expect(warnings).toEqual([
      `HTTPRoute shop/bad is not in force on Service web: spec.rules[1].filters[0].type: the filter ${type} is not supported`,
    ]);
    expect(routesTold(toldOf(index))).toEqual(["good"]);
  }
  const filters = [{
    type: "ResponseHeaderModifier",
    responseHeaderModifier: { remove: ["a"] },
  }];
  const { warnings } = index.apply(applies(
    clientRoute("GRPCRoute", "bad", [{ filters }]),
  ));
  expect(warnings).toHaveLength(1);
  expect(routesTold(toldOf(index))).toEqual(["good"]);
});

test("where no status can say so, the log does: what a route refers to and is not there", () => {
  const index = createIndex(createSettings(), { hasStatuses: false });
  const warned = (...manifests: Record<string, unknown>[]) =>
    index.apply(applies(...manifests)).warnings;
  const route = clientRoute("HTTPRoute", "r", [{
    backendRefs: [backend("gone")],
  }]);
  expect(warned(route)).toEqual([
    "HTTPRoute shop/r is not in force on Service web: There is no Service shop/web",
  ]);
  expect(warned(web, route)).toEqual([
    "HTTPRoute shop/r refuses what it cannot send: Service not found gone",
  ]);
  expect(warned(serviceManifest("gone", "10.43.0.9"), route)).toEqual([]);
  const other = createIndex(createSettings());
  expect(other.apply(applies(route)).warnings).toEqual([]);
});

test("a route is the same object while nothing that it is told as has changed", () => {
  const route = clientRoute("HTTPRoute", "r", [{
    backendRefs: [backend("web"), backend("web-2")],
  }]);
  const index = indexOf([web, route]);
  const told = (port = 80) => requestRoutes(toldOf(index, { port }))[0];
  const first = told();
  expect(told()).toBe(first);
  index.apply(applies(canary));
  const second = told();
  expect(second).not.toBe(first);
  // What another Service becomes is nothing to it.
  index.apply(applies(serviceManifest("api", "10.43.0.8")));
  expect(told()).toBe(second);
  index.apply(applies(serviceManifest("web", "10.43.0.1", {
    annotations: { "timeout.linkerd.io/request": "1s" },
  })));
  expect(told()?.rules[0]?.timeouts.requestMs).toBe(1_000);
});
