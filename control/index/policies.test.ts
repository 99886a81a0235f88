import { expect, test } from "bun:test";
import {
  applies,
  deletes,
  podManifest,
  serverManifest,
  sliceManifest,
} from "../testing/objects.ts";
import {
  authorizationManifest,
  indexOf,
  linesOf,
  meshRef,
  networkRef,
  policyManifest,
  policyOf,
  routeManifest,
} from "../testing/policies.ts";
import { createIndex } from "./fold.ts";
import { createSettings } from "./settings.ts";

type Manifest = ReturnType<typeof serverManifest>;

/** Pods `web` and `api` with a Server each, and slices that would be told anew if their endpoints were. */
function createShop() {
  const index = createIndex(createSettings());
  const api = { podSelector: { matchLabels: { app: "api" } } };
  index.apply(applies(
    podManifest("web", "10.1.0.1"),
    podManifest("api", "10.1.0.2", { labels: { app: "api" } }),
    sliceManifest("web", [["web", "10.1.0.1"]]),
    serverManifest("web", { labels: { tier: "front" } }),
    serverManifest("api", { spec: api }),
  ));
  return {
    index,
    applied: (...manifests: Manifest[]) => index.apply(applies(...manifests)),
    deleted: (...manifests: Manifest[]) => index.apply(deletes(...manifests)),
  };
}

const WEB = new Set(["pod shop/web"]);
const BOTH = new Set(["pod shop/web", "pod shop/api"]);
const NONE = new Set<string>();

const net = (name: string, more = {}) =>
  policyManifest("NetworkAuthentication", name, {
    networks: [{ cidr: "10.0.0.0/8" }],
  }, more);
const mesh = (name: string, more = {}) =>
  policyManifest("MeshTLSAuthentication", name, { identities: ["*"] }, more);
const account = (server: object) =>
  policyManifest("ServerAuthorization", "s", {
    server,
    client: { unauthenticated: true },
  });
const limit = (server: string) =>
  policyManifest("HTTPLocalRateLimitPolicy", "l", {
    targetRef: { group: "policy.linkerd.io", kind: "Server", name: server },
    total: { requestsPerSecond: 1 },
  });

test("apply() of a policy names the Pods of its Servers, now and before, and no endpoints", () => {
  const namespace = { kind: "Namespace", name: "shop" };
  const route = { group: "policy.linkerd.io", kind: "HTTPRoute", name: "r" };
  const cases: [manifest: Manifest, keys: ReadonlySet<string>][] = [
    [account({ name: "web" }), WEB],
    [account({ selector: { matchLabels: { tier: "front" } } }), WEB],
    [account({ selector: {} }), BOTH],
    [account({ name: "absent" }), NONE],
    [authorizationManifest("p", "web", []), WEB],
    [authorizationManifest("p", namespace, []), BOTH],
    [authorizationManifest("p", route, []), NONE],
    [authorizationManifest("p", "web", [], { namespace: "other" }), NONE],
    [routeManifest("HTTPRoute", "r", ["web"], []), WEB],
    [routeManifest("GRPCRoute", "r", ["web", "api"], []), BOTH],
    [limit("web"), WEB],
    [mesh("m"), NONE],
    [net("n"), NONE],
  ];
  for (const [manifest, keys] of cases) {
    const { applied, deleted } = createShop();
    expect(applied(manifest).keys).toEqual(keys);
    expect(deleted(manifest).keys).toEqual(keys);
  }
  const { applied } = createShop();
  applied(account({ name: "web" }));
  expect(applied(account({ name: "api" })).keys).toEqual(BOTH);
  applied(limit("web"));
  expect(applied(limit("api")).keys).toEqual(BOTH);
  applied(routeManifest("HTTPRoute", "r", ["web"], []));
  expect(applied(authorizationManifest("p", route, [])).keys).toEqual(WEB);
});

test("apply() of an authentication names the Pods of all who refer to it, from any namespace", () => {
  const { applied, deleted } = createShop();
  applied(
    authorizationManifest("p", "web", [
      meshRef("m", { namespace: "auth" }),
      networkRef("n"),
    ]),
    authorizationManifest("q", "api", [networkRef("n")]),
  );
  expect(applied(mesh("m")).keys).toEqual(NONE);
  expect(applied(mesh("m", { namespace: "auth" })).keys).toEqual(WEB);
  expect(applied(net("n")).keys).toEqual(BOTH);
  expect(applied(net("m", { namespace: "auth" })).keys).toEqual(NONE);
  deleted(authorizationManifest("q", "api", []));
  expect(deleted(net("n")).keys).toEqual(WEB);
});

test("apply() says which policies do not do what their authors may believe", () => {
  const gateway = "gateway.networking.k8s.io/v1";
  const types = ["URLRewrite", "ResponseHeaderModifier"];
  const filters = types.map((type) => ({ type }));
  const opaque = serverManifest("opaque", {
    spec: { port: 9, proxyProtocol: "opaque" },
  });
  const cases: [manifest: Manifest, says: string[]][] = [
    [
      authorizationManifest("p", "web", [meshRef("m")]),
      [
        "AuthorizationPolicy shop/p permits nobody: there is no MeshTLSAuthentication shop/m",
      ],
    ],
    [
      policyManifest("ServerAuthorization", "s", {
        server: { name: "web" },
        client: {},
      }),
      ["ServerAuthorization shop/s permits nobody: it names no clients"],
    ],
    [
      routeManifest("HTTPRoute", "r", ["web"], [{ filters }], {
        apiVersion: gateway,
      }),
      [
        "HTTPRoute shop/r: requests of rules with the filter URLRewrite are denied, as a proxy cannot do it to what it receives",
        "HTTPRoute shop/r: the filter ResponseHeaderModifier has no effect on what a Server receives",
      ],
    ],
    [
      routeManifest("GRPCRoute", "r", ["opaque"], []),
      [
        "GRPCRoute shop/r has no effect: Server opaque does not parse requests (proxyProtocol opaque)",
      ],
    ],
    [
      limit("opaque"),
      [
        "HTTPLocalRateLimitPolicy shop/l has no effect: Server opaque does not parse requests (proxyProtocol opaque)",
      ],
    ],
  ];
  const { applied } = createShop();
  applied(opaque);
  for (const [manifest, says] of cases) {
    expect(applied(manifest).warnings).toEqual(says);
    expect(applied(manifest).warnings).toEqual([]);
  }
  expect(applied(authorizationManifest("q", "web", [meshRef("n")]), mesh("n")))
    .toMatchObject({ warnings: [] });
});

test("apply() leaves nothing of policies that were deleted", () => {
  const { index, deleted, applied } = createShop();
  const before = index.sizes();
  const all = [
    mesh("m"),
    net("n"),
    account({ name: "web" }),
    authorizationManifest("p", "web", [meshRef("m"), networkRef("n")]),
    routeManifest("HTTPRoute", "r", ["web"], []),
    limit("web"),
  ];
  applied(...all);
  expect(index.sizes()).toMatchObject({
    authorizations: 2,
    authentications: 2,
    routes: 1,
    rateLimits: 1,
  });
  deleted(...all);
  expect(index.sizes()).toEqual(before);
  expect(index.policies.byTarget.get("Server shop/web").size).toBe(0);
  expect(index.policies.routesByServer.get("shop/web").size).toBe(0);
  expect(index.policies.limitsByServer.get("shop/web").size).toBe(0);
  expect(applied(mesh("m"), net("n")).keys).toEqual(NONE);
});

test("apply() of 1,000 policies on one Server looks at its Pods once", () => {
  const { index } = createShop();
  index.apply(applies(...Array.from(
    { length: 1_000 },
    (_, at) => podManifest(`p${at}`, `10.2.${at >> 8}.${at & 255}`),
  )));
  const events = applies(...Array.from(
    { length: 1_000 },
    (_, at) => authorizationManifest(`a${at}`, "web", []),
  ));
  const from = performance.now();
  const { keys } = index.apply(events);
  expect(performance.now() - from).toBeLessThan(250);
  expect(keys.size).toBe(1_001);
});

test("after an edit among several policies the others are still the same objects", () => {
  const index = indexOf([
    serverManifest("web"),
    mesh("m"),
    net("n"),
    authorizationManifest("a", "web", [meshRef("m")]),
    authorizationManifest("b", "web", [networkRef("n")]),
  ]);
  const before = policyOf(index).authorizations;
  index.apply(applies(
    policyManifest("MeshTLSAuthentication", "m", { identities: ["web.x"] }),
  ));
  const after = policyOf(index).authorizations;
  expect(linesOf(after).slice(0, 2))
    .toEqual(["a: all | web.x", "b: 10.0.0.0/8 | unauthenticated"]);
  expect(before[0] === after[0]).toBe(false);
  expect(before[1] === after[1]).toBe(true);
});
