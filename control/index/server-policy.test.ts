import { expect, test } from "bun:test";
import { parseNetwork } from "../../schemas/address.ts";
import { INBOUND_POLICIES } from "../../schemas/names.ts";
import {
  applies,
  deletes,
  podManifest,
  serverManifest,
} from "../testing/objects.ts";
import {
  authorizationManifest,
  GATEWAY_GROUP,
  indexOf,
  linesOf,
  meshRef,
  networkRef,
  policyManifest,
  policyOf,
  routeManifest,
  routeNames,
} from "../testing/policies.ts";
import { createIndex } from "./fold.ts";
import { serverPolicyOf } from "./server-policy.ts";
import { createSettings } from "./settings.ts";

const created = (year: number) => ({
  creationTimestamp: `${year}-01-01T00:00:00Z`,
});
const denying = serverManifest("web", { spec: { accessPolicy: undefined } });
const ID = "serviceaccount.identity.linkerd.cluster.local";
const annotated = (word: string) => ({
  annotations: { "config.linkerd.io/default-inbound-policy": word },
});
const clusterNetworks = ["10.0.0.0/8", "fd00::/8"].map(parseNetwork);

test("a port without a Server is called as the Pod, its Namespace or the mesh says", () => {
  const lines: Readonly<Record<string, string[]>> = {
    "all-unauthenticated": ["all-unauthenticated: all | unauthenticated"],
    "all-authenticated": ["all-authenticated: all | *"],
    "cluster-unauthenticated": [
      "cluster-unauthenticated: 10.0.0.0/8,fd00::/8 | unauthenticated",
    ],
    "cluster-authenticated": ["cluster-authenticated: 10.0.0.0/8,fd00::/8 | *"],
    "deny": [],
    "audit": ["audit: all | unauthenticated"],
  };
  for (const mode of INBOUND_POLICIES) {
    const other = mode === "deny" ? "audit" : "deny";
    const cases = [
      { pod: {}, namespace: {}, mesh: mode },
      { pod: {}, namespace: annotated(mode), mesh: other },
      { pod: annotated(mode), namespace: annotated(other), mesh: other },
    ] as const;
    for (const { pod, namespace, mesh } of cases) {
      const index = createIndex(createSettings({
        clusterNetworks,
        defaultInboundPolicy: mesh,
      }));
      index.apply(applies(podManifest("a", "10.1.0.1", pod), {
        apiVersion: "v1",
        kind: "Namespace",
        metadata: { name: "shop", ...namespace },
      }));
      const policy = policyOf(index);
      expect(policy.meta).toEqual({ group: "", kind: "default", name: mode });
      expect(linesOf(policy.authorizations)).toEqual(lines[mode] ?? ["?"]);
      expect(routeNames(policy.protocol)).toEqual(["default"]);
    }
  }
});

test("a word that is no policy opens nothing, and a warning says so once", () => {
  const namespace = (word: string) => ({
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: "shop", ...annotated(word) },
  });
  const says = (what: string) =>
    `${what} denies where no Server is in force: its annotation config.linkerd.io/default-inbound-policy is "deny-all", expected one of ${
      INBOUND_POLICIES.join(", ")
    }`;
  const index = indexOf([namespace("audit")]);
  const pod = podManifest("a", "10.1.0.1", annotated("deny-all"));
  expect(index.apply(applies(pod)).warnings).toEqual([says("Pod shop/a")]);
  expect(index.apply(applies(pod)).warnings).toEqual([]);
  expect(policyOf(index).authorizations).toEqual([]);
  index.apply(applies(podManifest("a", "10.1.0.1")));
  expect(policyOf(index).meta.name).toBe("audit");
  expect(index.apply(applies(namespace("deny-all"))).warnings)
    .toEqual([says("Namespace shop")]);
  expect(policyOf(index).authorizations).toEqual([]);
});

test("a Server denies, until its access policy or another object permits", () => {
  const index = indexOf([denying], { clusterNetworks });
  const lines = () => linesOf(policyOf(index).authorizations);
  expect(lines()).toEqual([]);
  expect(policyOf(index).meta)
    .toEqual({ group: "policy.linkerd.io", kind: "server", name: "web" });
  for (const mode of INBOUND_POLICIES) {
    index.apply(applies(serverManifest("web", {
      spec: { accessPolicy: mode },
    })));
    expect(policyOf(index).authorizations.map(({ meta }) => meta.name))
      .toEqual(mode === "deny" ? [] : [mode]);
  }
  const policy = authorizationManifest("p", "web", []);
  index.apply(applies(policy));
  expect(lines()).toEqual([
    "p: all | unauthenticated",
    "audit: all | unauthenticated",
  ]);
  index.apply(deletes(policy, denying));
  expect(policyOf(index).meta.kind).toBe("default");
});

test("ServerAuthorization: by name or labels, each kind of client, cluster networks unless it names some", () => {
  const labelled = serverManifest("web", {
    labels: { tier: "front" },
    spec: { accessPolicy: "deny" },
  });
  const byName = { name: "web" };
  const byLabel = { selector: { matchLabels: { tier: "front" } } };
  const networks = [{ cidr: "192.0.2.0/24", except: ["192.0.2.1"] }];
  const cases: [spec: object, line: string | null][] = [
    [
      { server: byName, client: { unauthenticated: true } },
      "10.0.0.0/8,fd00::/8 | unauthenticated",
    ],
    [
      { server: byLabel, client: { unauthenticated: true, networks } },
      "192.0.2.0/24!192.0.2.1/32 | unauthenticated",
    ],
    [
      { server: byName, client: { meshTLS: { unauthenticatedTLS: true } } },
      "10.0.0.0/8,fd00::/8 | tls",
    ],
    [
      {
        server: byName,
        client: {
          meshTLS: {
            identities: ["web.other.example", "*.a.example", "*"],
            serviceAccounts: [{ name: "api" }, { name: "b", namespace: "c" }],
          },
        },
      },
      `10.0.0.0/8,fd00::/8 | web.other.example,api.shop.${ID},b.c.${ID},*.a.example,*`,
    ],
    [{ server: byName, client: {} }, null],
    [{ server: byName, client: { meshTLS: {} } }, null],
    [{ server: { name: "api" }, client: { unauthenticated: true } }, null],
    [
      {
        server: { selector: { matchLabels: { tier: "back" } } },
        client: { unauthenticated: true },
      },
      null,
    ],
    [
      {
        server: byName,
        client: { meshTLS: { serviceAccounts: [{ name: "with.dot" }] } },
      },
      null,
    ],
  ];
  for (const [spec, line] of cases) {
    const index = indexOf([
      labelled,
      policyManifest("ServerAuthorization", "s", spec),
    ], { clusterNetworks });
    const { authorizations } = policyOf(index);
    expect(linesOf(authorizations)).toEqual(
      line === null ? [] : [`s: ${line}`],
    );
    expect(authorizations[0]?.meta.kind ?? "serverauthorization")
      .toBe("serverauthorization");
  }
});

test("AuthorizationPolicy: all that it asks for must hold, and what is missing permits nobody", () => {
  const mesh = policyManifest("MeshTLSAuthentication", "m", {
    identities: ["web.other.example", "*.a.example"],
  });
  const refs = policyManifest("MeshTLSAuthentication", "refs", {
    identityRefs: [
      { kind: "ServiceAccount", name: "api" },
      { kind: "ServiceAccount", name: "api", namespace: "other" },
      { kind: "Namespace", name: "friends" },
    ],
  }, { namespace: "auth" });
  const net = policyManifest("NetworkAuthentication", "n", {
    networks: [{ cidr: "192.0.2.1" }, { cidr: "2001:db8::/32" }],
  });
  const nets = "192.0.2.1/32,2001:db8::/32";
  const account = { kind: "ServiceAccount", name: "api" };
  const cases: [refs: object[], line: string | null][] = [
    [[], "all | unauthenticated"],
    [[meshRef("m")], "all | web.other.example,*.a.example"],
    [[networkRef("n")], `${nets} | unauthenticated`],
    [
      [meshRef("m"), networkRef("n")],
      `${nets} | web.other.example,*.a.example`,
    ],
    [
      [meshRef("refs", { namespace: "auth" })],
      `all | api.auth.${ID},api.other.${ID},*.friends.${ID}`,
    ],
    [[account], `all | api.shop.${ID}`],
    [[{ ...account, namespace: "b" }], `all | api.b.${ID}`],
    [[{ ...account, name: "with.dot" }], null],
    [[meshRef("absent")], null],
    [[meshRef("refs")], null],
    [[meshRef("m"), networkRef("absent")], null],
  ];
  for (const [asked, line] of cases) {
    const index = indexOf([
      denying,
      mesh,
      refs,
      net,
      authorizationManifest("p", "web", asked as Record<string, unknown>[]),
    ]);
    const found = linesOf(policyOf(index).authorizations);
    expect(found).toEqual(line === null ? [] : [`p: ${line}`]);
  }
});

test("AuthorizationPolicy: about a Server, all of a Namespace, or a route of one group", () => {
  const rules = [{ matches: [{ path: { value: "/a" } }] }];
  const index = indexOf([
    denying,
    routeManifest("HTTPRoute", "r", ["web"], rules, created(2020)),
    routeManifest("HTTPRoute", "r", ["web"], rules, {
      apiVersion: `${GATEWAY_GROUP}/v1`,
      ...created(2021),
    }),
    routeManifest("GRPCRoute", "r", ["web"], [{}], created(2022)),
    authorizationManifest("server", "web", [], created(2021)),
    authorizationManifest("elsewhere", "api", []),
    authorizationManifest("namespace", { kind: "Namespace", name: "shop" }, []),
    authorizationManifest("foreign", "web", [], { namespace: "other" }),
    ...[
      { group: "policy.linkerd.io", kind: "HTTPRoute", name: "r" },
      { group: GATEWAY_GROUP, kind: "HTTPRoute", name: "r" },
      { group: GATEWAY_GROUP, kind: "GRPCRoute", name: "r" },
      { group: GATEWAY_GROUP, kind: "GRPCRoute", name: "absent" },
    ].map((target, at) => authorizationManifest(`route${at}`, target, [])),
  ]);
  const policy = policyOf(index);
  const names = (authorizations: typeof policy.authorizations) =>
    authorizations.map(({ meta }) => `${meta.kind} ${meta.name}`);
  expect(names(policy.authorizations)).toEqual([
    "authorizationpolicy server",
    "authorizationpolicy namespace",
  ]);
  if (policy.protocol.kind !== "detect") throw new Error("HTTP was expected");
  expect(policy.protocol.routes?.map((one) => names(one.authorizations)))
    .toEqual([
      ["authorizationpolicy route0"],
      ["authorizationpolicy route1"],
      ["authorizationpolicy route2"],
    ]);
});

test("of Servers on one port the oldest is in force, then the first by name; deleting it hands over", () => {
  const young = serverManifest("a", created(2026));
  const old = serverManifest("b", { ...created(2025), spec: { port: "http" } });
  const undated = serverManifest("0");
  const index = indexOf([young, undated, old]);
  const inForce = () => policyOf(index).meta.name;
  expect(inForce()).toBe("b");
  index.apply(deletes(old));
  expect(inForce()).toBe("a");
  index.apply(deletes(young));
  expect(inForce()).toBe("0");
  index.apply(applies(serverManifest("9")));
  expect(inForce()).toBe("0");
  index.apply(deletes(undated));
  expect(inForce()).toBe("9");
});

test("a Server is about ports by number or name, of Pods alone, and says what is spoken", () => {
  const kinds: Readonly<Record<string, string>> = {
    "unknown": "detect",
    "HTTP/1": "http1",
    "HTTP/2": "http2",
    "gRPC": "grpc",
    "opaque": "opaque",
    "TLS": "tls",
  };
  for (const [proxyProtocol, kind] of Object.entries(kinds)) {
    const index = indexOf([serverManifest("s", { spec: { proxyProtocol } })]);
    expect(policyOf(index).protocol.kind as string).toBe(kind);
    expect(policyOf(index, 9999).meta.kind).toBe("default");
  }
  const external = { podSelector: undefined, externalWorkloadSelector: {} };
  const index = indexOf([
    serverManifest("external", { spec: external }),
    serverManifest("elsewhere", { namespace: "other" }),
  ]);
  expect(policyOf(index).meta.kind).toBe("default");
});

test("a rate limit holds for its Server, by the oldest policy; on gRPC it is told as HTTP/2", () => {
  const limit = (name: string, total: number, more = {}) =>
    policyManifest("HTTPLocalRateLimitPolicy", name, {
      targetRef: { group: "policy.linkerd.io", kind: "Server", name: "web" },
      total: { requestsPerSecond: total },
      identity: { requestsPerSecond: 5 },
      overrides: [{
        requestsPerSecond: 7,
        clientRefs: [
          { kind: "ServiceAccount", name: "api" },
          { kind: "ServiceAccount", name: "b", namespace: "c" },
        ],
      }],
    }, more);
  const index = indexOf([
    denying,
    limit("young", 10, created(2026)),
    limit("old", 20, created(2025)),
  ]);
  const protocol = () => policyOf(index).protocol;
  expect(protocol()).toMatchObject({
    kind: "detect",
    rateLimit: {
      meta: {
        kind: "resource",
        resource: { kind: "HTTPLocalRateLimitPolicy", name: "old" },
      },
      totalPerSecond: 20,
      identityPerSecond: 5,
      overrides: [{
        perSecond: 7,
        identities: new Set([`api.shop.${ID}`, `b.c.${ID}`]),
      }],
    },
  });
  index.apply(deletes(limit("old", 20)));
  expect(protocol()).toMatchObject({ rateLimit: { totalPerSecond: 10 } });
  for (
    const [proxyProtocol, kind] of [
      ["HTTP/1", "http1"],
      ["HTTP/2", "http2"],
      ["gRPC", "http2"],
    ]
  ) {
    index.apply(applies(serverManifest("web", { spec: { proxyProtocol } })));
    expect(protocol()).toMatchObject({
      kind,
      rateLimit: { totalPerSecond: 10 },
    });
  }
  index.apply(deletes(limit("young", 10)));
  expect(protocol().kind).toBe("grpc");
});

test("serverPolicyOf() computes 1,000 policies on one Pod in milliseconds", () => {
  const index = indexOf([
    denying,
    ...Array.from({ length: 1_000 }, (_, at) => [
      policyManifest("MeshTLSAuthentication", `m${at}`, {
        identities: [`client-${at}.shop.${ID}`],
      }),
      authorizationManifest(`p${at}`, "web", [meshRef(`m${at}`)]),
    ]).flat(),
  ]);
  const pod = { namespace: "shop", name: "a" };
  const times = Array.from({ length: 9 }, () => {
    const from = performance.now();
    expect(serverPolicyOf({ pod, port: 8080 }, index)?.authorizations.length)
      .toBe(1_000);
    return performance.now() - from;
  }).sort((a, b) => a - b);
  expect(times[4]).toBeLessThan(50);
});
