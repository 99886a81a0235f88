import { expect, test } from "bun:test";
import { applies, deletes, serviceManifest } from "../testing/objects.ts";
import { indexOf, policyManifest } from "../testing/policies.ts";
import {
  clientRoute,
  linesOfBackends,
  nameOf,
  routesTold,
  toldOf,
} from "../testing/routes.ts";

const web = (appProtocol?: string, annotations = {}) =>
  serviceManifest("web", "10.43.0.1", {
    annotations,
    spec: {
      ports: [{ name: "a", port: 80, ...appProtocol && { appProtocol } }],
    },
  });
const to = { backendRefs: [{ name: "web", port: 80 }] };
const http = clientRoute("HTTPRoute", "http", [to]);
const grpc = clientRoute("GRPCRoute", "grpc", [to]);
const tls = clientRoute("TLSRoute", "tls", [to]);
const tcp = clientRoute("TCPRoute", "tcp", [to]);
const all = [http, grpc, tls, tcp];

/** What is told of a port: its protocol and the names of its routes. */
function told(...manifests: Record<string, unknown>[]): string {
  const { protocol } = toldOf(indexOf(manifests));
  switch (protocol.kind) {
    case "opaque":
      return `opaque ${nameOf(protocol.opaque.meta)}`;
    case "tls":
      return `tls ${protocol.tls.map(({ meta }) => nameOf(meta)).join()}`;
    case "detect": {
      const opaque = nameOf(protocol.opaque.meta);
      const routes = protocol.http.routes.map(({ meta }) => nameOf(meta));
      return `detect ${routes.join()} ${opaque}`;
    }
    case "grpc":
      return `grpc ${protocol.grpc.routes.map(({ meta }) => nameOf(meta))}`;
    default:
      return `${protocol.kind} ${
        protocol.http.routes.map(({ meta }) => nameOf(meta))
      }`;
  }
}

test("a port without appProtocol speaks what the strongest of its routes does", () => {
  const cases: [routes: Record<string, unknown>[], expected: string][] = [
    [[], "detect http opaq"],
    [[tcp], "opaque tcp"],
    [[tcp, tls], "tls tls"],
    [[tcp, tls, http], "detect http opaq"],
    [all, "grpc grpc"],
  ];
  for (const [routes, expected] of cases) {
    expect(told(web(), ...routes)).toBe(expected);
  }
});

test("appProtocol decides before annotations, and which routes are of use", () => {
  const cases: [app: string, expected: string, withAll: string][] = [
    ["http", "http1 http", "http1 http"],
    ["HTTP", "http1 http", "http1 http"],
    ["kubernetes.io/h2c", "http2 http", "grpc grpc"],
    ["grpc", "detect http opaq", "grpc grpc"],
    ["linkerd.io/opaque", "opaque opaq", "opaque tcp"],
    ["linkerd.io/tcp", "opaque opaq", "opaque tcp"],
    ["XMPP", "opaque opaq", "opaque tcp"],
    ["kubernetes.io/ws", "opaque opaq", "opaque tcp"],
  ];
  const opaque = { "config.linkerd.io/opaque-ports": "80" };
  for (const [app, expected, withAll] of cases) {
    expect(told(web(app, opaque))).toBe(expected);
    expect(told(web(app), ...all)).toBe(withAll);
  }
  expect(told(web("kubernetes.io/h2c"), http)).toBe("http2 http");
  expect(told(web(undefined, opaque))).toBe("opaque opaq");
  expect(told(web(undefined, opaque), http, tcp)).toBe("opaque tcp");
});

test("of TCPRoutes the oldest is told, of TLSRoutes each with its server names", () => {
  const second = clientRoute("TCPRoute", "a", [to], {
    creationTimestamp: "2026-01-01T00:00:00Z",
  });
  const first = clientRoute("TCPRoute", "b", [to], {
    creationTimestamp: "2025-01-01T00:00:00Z",
  });
  expect(told(web(), second, first)).toBe("opaque b");
  const { protocol } = toldOf(indexOf([
    web(),
    clientRoute("TLSRoute", "a", [{
      backendRefs: [
        { name: "web", port: 80, weight: 2 },
        { name: "gone", port: 80 },
      ],
    }], { hostnames: ["a.example", "*.b.example"] }),
    clientRoute("TLSRoute", "b", [{}]),
  ]));
  if (protocol.kind !== "tls") throw new Error("TLS was expected");
  const [a, b] = protocol.tls;
  expect(a?.snis).toEqual([
    { kind: "exact", host: "a.example" },
    { kind: "suffix", suffix: ".b.example" },
  ]);
  expect(a?.rule && linesOfBackends(a.rule.backends))
    .toEqual(["2 web.shop.svc.cluster.local:80", "1 nowhere gone"]);
  expect(a?.rule?.backends.backends[1]?.filters)
    .toEqual([{ kind: "invalid", message: "Service not found gone" }]);
  expect(b?.rule && linesOfBackends(b.rule.backends))
    .toEqual(["first web.shop.svc.cluster.local:80"]);
});

test("a port that no Service declares is forbidden, whatever routes there are", () => {
  const { parent, protocol } = toldOf(indexOf([web(), http]), { port: 81 });
  expect(parent).toMatchObject({ resource: { name: "web", port: 81 } });
  expect(protocol).toEqual({
    kind: "opaque",
    opaque: {
      meta: { kind: "default", name: "undefined-port" },
      rule: {
        filters: [{ kind: "forbidden" }],
        backends: { kind: "first", backends: [] },
      },
    },
  });
});

const OUTSIDE = "203.0.113.7";
const egress = (
  name: string,
  spec: object,
  more: Record<string, unknown> = {},
) => policyManifest("EgressNetwork", name, spec, more);
const outside = (index: ReturnType<typeof indexOf>, more = {}) =>
  toldOf(index, { ip: OUTSIDE, port: 443, ...more });
const onEgress = (name: string) => [{
  group: "policy.linkerd.io",
  kind: "EgressNetwork",
  name,
  port: 443,
}];
const opaqueToo = (index: ReturnType<typeof indexOf>) => {
  const { protocol } = outside(index);
  if (protocol.kind !== "detect") throw new Error("detection was expected");
  return protocol.opaque;
};

test("an EgressNetwork says what becomes of what no route is for", () => {
  const index = indexOf([egress("out", { trafficPolicy: "Allow" })]);
  expect(outside(index).parent).toEqual({
    kind: "resource",
    resource: {
      group: "policy.linkerd.io",
      kind: "EgressNetwork",
      name: "out",
      namespace: "shop",
      section: "",
      port: 443,
    },
  });
  expect(routesTold(outside(index))).toEqual(["http-egress-allow"]);
  expect(opaqueToo(index)).toMatchObject({
    meta: { name: "tcp-egress-allow" },
    rule: {
      filters: [],
      backends: { backends: [{ backend: { kind: "forward" } }] },
    },
  });
  index.apply(applies(egress("out", { trafficPolicy: "Deny" })));
  expect(outside(index).protocol).toMatchObject({
    http: {
      routes: [{
        meta: { name: "http-egress-deny" },
        rules: [{
          filters: [{
            kind: "failure",
            status: 403,
            message: "traffic not allowed",
          }],
        }],
      }],
    },
    opaque: {
      meta: { name: "tcp-egress-deny" },
      rule: { filters: [{ kind: "forbidden" }] },
    },
  });
  index.apply(deletes(egress("out", { trafficPolicy: "Deny" })));
  expect(outside(index).parent)
    .toEqual({ kind: "default", name: "egress-fallback" });
});

test("routes on an EgressNetwork come before what it says itself, and send out or back inside", () => {
  const parentRefs = onEgress("out");
  const self = {
    group: "policy.linkerd.io",
    kind: "EgressNetwork",
    name: "out",
  };
  const backendRefs = [{ name: "web", port: 80 }, self, { ...self, name: "x" }];
  const deny = egress("out", { trafficPolicy: "Deny" });
  const route = (kind: Parameters<typeof clientRoute>[0], more = {}) =>
    clientRoute(kind, "r", [{ backendRefs }], { parentRefs, ...more });
  const lines = [
    "1 web.shop.svc.cluster.local:80",
    `1 ${OUTSIDE}:443`,
    "1 nowhere x",
  ];
  const protocolOf = (kind: Parameters<typeof clientRoute>[0]) =>
    outside(indexOf([web(), deny, route(kind)])).protocol;

  const byHttp = protocolOf("HTTPRoute");
  if (byHttp.kind !== "detect") throw new Error("detection was expected");
  expect(byHttp.http.routes.map(({ meta }) => nameOf(meta)))
    .toEqual(["r", "http-egress-deny"]);
  expect(
    byHttp.http.routes[0]?.rules.map((rule) => linesOfBackends(rule.backends)),
  ).toEqual([lines]);
  expect(byHttp.opaque.meta).toMatchObject({ name: "tcp-egress-deny" });

  const byGrpc = protocolOf("GRPCRoute");
  expect(byGrpc).toMatchObject({
    kind: "grpc",
    grpc: {
      routes: [{}, {
        meta: { name: "grpc-egress-deny" },
        rules: [{ filters: [{ kind: "failure", code: 7 }] }],
      }],
    },
  });
  const byTls = protocolOf("TLSRoute");
  expect(byTls).toMatchObject({
    kind: "tls",
    tls: [{ meta: { resource: { name: "r" } } }, {
      meta: { name: "tls-egress-deny" },
      rule: { filters: [{ kind: "forbidden" }] },
    }],
  });
  const byTcp = protocolOf("TCPRoute");
  if (byTcp.kind !== "opaque") throw new Error("bytes were expected");
  expect(byTcp.opaque.rule && linesOfBackends(byTcp.opaque.rule.backends))
    .toEqual(lines);
  // Of another port the route says nothing.
  const index = indexOf([web(), deny, route("TCPRoute")]);
  expect(routesTold(outside(index, { port: 80 }))).toEqual([
    "http-egress-deny",
  ]);
});

test("opaque ports of an EgressNetwork are passed on as they are", () => {
  const index = indexOf([
    egress("out", { trafficPolicy: "Allow" }, {
      annotations: { "config.linkerd.io/opaque-ports": "443" },
    }),
  ]);
  expect(outside(index).protocol.kind).toBe("opaque");
  expect(outside(index, { port: 3306 }).protocol.kind).toBe("detect");
  index.apply(applies(egress("out", { trafficPolicy: "Allow" })));
  expect(outside(index, { port: 3306 }).protocol.kind).toBe("opaque");
});

test("of EgressNetworks the client's own come first, and of these the narrowest, the oldest, the first", () => {
  const net = (name: string, cidr: string | null, more: object = {}) =>
    egress(name, {
      trafficPolicy: "Allow",
      ...cidr !== null && { networks: [{ cidr }] },
    }, more as Record<string, unknown>);
  const index = indexOf([]);
  const told = (clientNamespace = "shop") =>
    nameOf(outside(index, { clientNamespace }).parent);
  const steps: [manifest: Record<string, unknown>, expected: string][] = [
    [net("global", null, { namespace: "linkerd-egress" }), "global"],
    [net("d", null), "d"],
    [net("c", "203.0.0.0/16"), "c"],
    [net("b", "203.0.113.0/24"), "b"],
    [net("a", "203.0.113.0/24"), "a"],
    [
      net("e", "203.0.113.0/24", { creationTimestamp: "2025-01-01T00:00:00Z" }),
      "e",
    ],
    [net("f", "203.0.114.0/24"), "e"],
  ];
  for (const [manifest, expected] of steps) {
    index.apply(applies(manifest));
    expect(told()).toBe(expected);
  }
  expect(told("buyer")).toBe("global");
  const hole = egress("g", {
    trafficPolicy: "Allow",
    networks: [{ cidr: "203.0.113.0/28", except: [`${OUTSIDE}/32`] }],
  });
  index.apply(applies(hole));
  expect(told()).toBe("e");
  // Where a namespace has some, the mesh's do not hold, even if none of them is about the address.
  index.apply(applies(net("only", "192.0.2.0/24", { namespace: "buyer" })));
  expect(told("buyer")).toBe("egress-fallback");
});
