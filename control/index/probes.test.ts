import { expect, test } from "bun:test";
import { formatIp, parseNetwork } from "../../schemas/address.ts";
import type { HttpMatch } from "../../schemas/route.ts";
import { applies, podManifest, serverManifest } from "../testing/objects.ts";
import {
  httpRoutesOf,
  indexOf,
  policyOf,
  routeManifest,
  routeNames,
} from "../testing/policies.ts";

const probeNetworks = [parseNetwork("192.0.2.0/24")];
const denied = {
  annotations: { "config.linkerd.io/default-inbound-policy": "deny" },
};
const ports = [{ name: "http", containerPort: 8080 }];

/** An index in which Pod `shop/a` denies by default and has these containers. */
function probed(
  spec: Readonly<Record<string, unknown>>,
  manifests: Parameters<typeof indexOf>[0] = [],
) {
  const index = indexOf(manifests, { probeNetworks });
  index.apply(applies(podManifest("a", "10.1.0.1", { ...denied, spec })));
  return index;
}

function get(path: string, query: readonly [string, string][] = []): HttpMatch {
  return {
    path: { kind: "exact", path },
    headers: [],
    queryParams: query.map(([name, value]) => ({
      name,
      value: { kind: "exact", value },
    })),
    method: "GET",
  };
}

test("probes of a port have a route that those who deny by default leave open", () => {
  const index = probed({
    containers: [{
      name: "app",
      ports,
      livenessProbe: { httpGet: { path: "/live", port: 8080 } },
      readinessProbe: { httpGet: { path: "/ready?full=1&x", port: "http" } },
      startupProbe: { httpGet: { port: 8080 } },
    }, {
      name: "other",
      livenessProbe: { httpGet: { path: "/live", port: 8080 } },
      readinessProbe: { httpGet: { path: "/elsewhere", port: "9090" } },
      startupProbe: { httpGet: { path: "/no-such-port", port: "http" } },
    }],
    initContainers: [{
      name: "sidecar",
      startupProbe: { httpGet: { path: "/started", port: 8080 } },
    }],
  });
  const policy = policyOf(index);
  expect(policy.authorizations).toEqual([]);
  const [all, probe] = httpRoutesOf(policy);
  expect(all?.authorizations).toEqual([]);
  expect(probe?.meta).toEqual({ kind: "default", name: "probe" });
  expect(probe?.rules).toEqual([{
    matches: [
      get("/live"),
      get("/ready", [["full", "1"], ["x", ""]]),
      get("/"),
      get("/started"),
    ],
    filters: [],
  }]);
  const [permit, ...more] = probe?.authorizations ?? [];
  expect(more).toEqual([]);
  expect(permit?.authentication).toEqual({ kind: "unauthenticated" });
  expect(permit?.meta).toEqual({ group: "", kind: "default", name: "probe" });
  expect(permit?.networks.map(({ network }) => formatIp(network.base)))
    .toEqual(["192.0.2.0"]);
  expect(routeNames(policyOf(index, 9090).protocol))
    .toEqual(["default", "probe"]);
  expect(routeNames(policyOf(index, 9091).protocol)).toEqual(["default"]);
});

test("a probe's path is matched as the kubelet sends it", () => {
  const cases: [path: string, sent: HttpMatch][] = [
    ["healthz", get("/healthz")],
    ["/a#b", get("/a")],
    ["/a?b#c", get("/a", [["b", ""]])],
    ["/a?b=c%26d+e&b=f", get("/a", [["b", "c&d e"], ["b", "f"]])],
    ["/a b/ü", get("/a%20b/%C3%BC")],
    ["/a%2Fb/../c//d", get("/a%2Fb/../c//d")],
    ["/$&'()*+,;=:@~!", get("/$&'()*+,;=:@~!")],
  ];
  for (const [path, sent] of cases) {
    const livenessProbe = { httpGet: { path, port: 8080 } };
    const index = probed({ containers: [{ name: "app", livenessProbe }] });
    expect(httpRoutesOf(policyOf(index))[1]?.rules[0]?.matches).toEqual([sent]);
  }
});

test("gRPC probes call the health service, on ports of gRPC and of HTTP", () => {
  const livenessProbe = { grpc: { port: 8080, service: "live" } };
  const spec = { containers: [{ name: "app", livenessProbe }] };
  const grpc = serverManifest("s", { spec: { proxyProtocol: "gRPC" } });
  expect(httpRoutesOf(policyOf(probed(spec)))[1]?.rules[0]?.matches).toEqual([{
    path: { kind: "exact", path: "/grpc.health.v1.Health/Check" },
    headers: [],
    queryParams: [],
    method: "POST",
  }]);
  expect(policyOf(probed(spec, [grpc])).protocol).toMatchObject({
    kind: "grpc",
    routes: [{ meta: { name: "default" }, rules: [{ matches: [] }] }, {
      meta: { name: "probe" },
      authorizations: [{ meta: { name: "probe" } }],
      rules: [{
        matches: [{ service: "grpc.health.v1.Health", method: "Check" }],
      }],
    }],
  });
});

test("with a route of one's own, or where nothing is parsed, there is none for probes", () => {
  const livenessProbe = { httpGet: { path: "/live", port: 8080 } };
  const spec = { containers: [{ name: "app", livenessProbe }] };
  const server = serverManifest("s", { spec: { accessPolicy: "deny" } });
  const opaque = serverManifest("s", { spec: { proxyProtocol: "opaque" } });
  const route = routeManifest("HTTPRoute", "r", ["s"], [{}]);
  const names = (...manifests: typeof server[]) =>
    routeNames(policyOf(probed(spec, manifests)).protocol);
  expect(names(server)).toEqual(["default", "probe"]);
  expect(names(server, route)).toEqual(["r"]);
  expect(names(opaque)).toEqual([]);
});
