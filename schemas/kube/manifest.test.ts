import { expect, test } from "bun:test";
import type { KubeObject } from "../kube.ts";
import { FieldProblem, formatPath } from "./field-problem.ts";
import { parseManifest } from "./manifest.ts";

const metadata = { name: "web", namespace: "shop" };

function read(manifest: unknown): KubeObject {
  const reading = parseManifest(manifest);
  if (reading.kind !== "object") throw new Error(reading.kind);
  return reading.object;
}

function refusal(manifest: unknown): FieldProblem {
  try {
    parseManifest(manifest);
  } catch (thrown) {
    if (thrown instanceof FieldProblem) return thrown;
    throw thrown;
  }
  throw new Error("a refusal was expected");
}

test("parseManifest() keeps the fields the mesh reads, and takes null for absent", () => {
  expect(read({
    apiVersion: "v1",
    kind: "Service",
    metadata: { ...metadata, labels: null, uid: "x", managedFields: [] },
    spec: {
      clusterIP: "10.0.0.1",
      selector: { app: "web" },
      ports: [{ port: 80, targetPort: "http", name: null, nodePort: 30_000 }],
    },
    status: { loadBalancer: {} },
  })).toEqual({
    apiVersion: "v1",
    kind: "Service",
    metadata,
    spec: { clusterIP: "10.0.0.1", ports: [{ port: 80 }] },
  });
});

test("parseManifest() puts an object that names no namespace into default", () => {
  const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "a" } };
  expect(read(pod).metadata.namespace).toBe("default");
});

test("parseManifest() tells lists and kinds of no use from objects", () => {
  expect(parseManifest({ apiVersion: "v1", kind: "List", items: [1] }))
    .toEqual({ kind: "list", items: [1] });
  for (
    const [apiVersion, kind] of [
      ["apps/v1", "Deployment"],
      ["v1", "ConfigMap"],
      ["v1", "Endpoints"],
      ["gateway.networking.k8s.io/v1", "Gateway"],
      ["networking.k8s.io/v1", "NetworkPolicy"],
    ]
  ) {
    expect(parseManifest({ apiVersion, kind, metadata }))
      .toEqual({ kind: "skipped" });
  }
});

test("parseManifest() names the field, what it found and what it wanted", () => {
  const service = (spec: unknown, more = {}) => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { ...metadata, ...more },
    spec,
  });
  const server = (spec: object) => ({
    apiVersion: "policy.linkerd.io/v1beta1",
    kind: "Server",
    metadata,
    spec: { podSelector: {}, port: 80, ...spec },
  });
  const slice = (fields: object) => ({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata,
    addressType: "IPv4",
    ...fields,
  });
  const cases: [manifest: unknown, says: string][] = [
    [null, "a manifest: apiVersion is missing, expected a string"],
    [{ apiVersion: "v1" }, "a manifest: kind is missing, expected a string"],
    [
      { apiVersion: "v1", kind: "Service", metadata },
      "Service shop/web: spec is missing, expected a map of fields",
    ],
    [service([]), "spec is a list, expected a map of fields"],
    [service({ ports: {} }), "spec.ports is a map of fields, expected a list"],
    [
      service({ ports: [{ port: 1 }, { port: 70_000 }] }),
      "spec.ports[1].port is 70000, expected a whole number from 1 to 65535",
    ],
    [
      service({ type: "Headless" }),
      'spec.type is "Headless", expected one of ClusterIP, NodePort, LoadBalancer, ExternalName',
    ],
    [
      service({ clusterIP: "10.0.0.256" }),
      'spec.clusterIP is "10.0.0.256", expected an IP address',
    ],
    [
      service({}, { name: "Web" }),
      'metadata.name is "Web", expected a name of lower-case letters',
    ],
    [
      service({}, { annotations: { "config.linkerd.io/opaque-ports": 25 } }),
      'metadata.annotations["config.linkerd.io/opaque-ports"] is 25, expected a string (quote it)',
    ],
    [
      server({ port: 0.5 }),
      "spec.port is 0.5, expected a port number or the name of a container port",
    ],
    [
      server({ proxyProtocol: "http" }),
      "expected one of unknown, HTTP/1, HTTP/2, gRPC, opaque, TLS",
    ],
    [
      server({ podSelector: undefined }),
      "spec.podSelector is missing, expected a selector",
    ],
    [
      slice({ addressType: undefined }),
      "addressType is missing, expected one of IPv4, IPv6, FQDN",
    ],
    [
      slice({ endpoints: [{ addresses: [] }] }),
      "endpoints[0].addresses is a list, expected at least one address",
    ],
    [
      slice({ endpoints: [{ addresses: ["web.example"] }] }),
      'endpoints[0].addresses[0] is "web.example", expected an IP address',
    ],
  ];
  for (const [manifest, says] of cases) {
    const problem = refusal(manifest);
    expect(problem.message).toContain(says);
    expect(problem.code).toBe("manifest.invalid");
  }
});

test("parseManifest() refuses what is not enforced, and names it", () => {
  const problem = refusal({
    apiVersion: "policy.linkerd.io/v9",
    kind: "New",
    metadata,
  });
  expect(problem.code).toBe("manifest.unsupported");
  expect(formatPath(problem.path)).toBe("kind");
});

test("parseManifest() takes routes of whatever clients call, and leaves those of gateways to others", () => {
  const gateway = "gateway.networking.k8s.io";
  const kinds: [apiVersion: string, kind: string][] = [
    [`${gateway}/v1`, "HTTPRoute"],
    ["policy.linkerd.io/v1beta3", "HTTPRoute"],
    [`${gateway}/v1`, "GRPCRoute"],
    [`${gateway}/v1alpha2`, "TLSRoute"],
    [`${gateway}/v1alpha2`, "TCPRoute"],
  ];
  const ours = [
    { kind: "Service" },
    { group: "", kind: "Service" },
    { group: "core", kind: "service" },
    // What the API server makes of a group that is left out.
    { group: gateway, kind: "Service" },
    { group: "policy.linkerd.io", kind: "EgressNetwork", port: 443 },
    { group: "multicluster.x-k8s.io", kind: "ServiceImport" },
  ];
  const others = [{}, { kind: "Gateway" }, { group: "apps", kind: "Service" }];
  for (const [apiVersion, kind] of kinds) {
    const route = (parent: object) => ({
      apiVersion,
      kind,
      metadata,
      spec: { parentRefs: [{ name: "a", ...parent }], rules: [{}] },
    });
    for (const parent of ours) {
      expect(read(route(parent))).toMatchObject({ kind });
    }
    for (const parent of others) {
      expect(parseManifest(route(parent))).toEqual({ kind: "skipped" });
    }
  }
});

test("parseManifest() takes a Server's routes of either group, and leaves those of gateways to others", () => {
  const route = (apiVersion: string, kind: string, parent: object) => ({
    apiVersion,
    kind,
    metadata,
    spec: { parentRefs: [{ name: "s", ...parent }], rules: [{ odd: 1 }] },
  });
  const server = { kind: "server", group: "Policy.linkerd.io" };
  const gateway = "gateway.networking.k8s.io/v1";
  const policy = "policy.linkerd.io/v1beta3";
  expect(read(route(gateway, "HTTPRoute", server)).kind).toBe("HTTPRoute");
  expect(read(route(gateway, "GRPCRoute", server)).kind).toBe("GRPCRoute");
  expect(read(route(policy, "HTTPRoute", server)).kind).toBe("HTTPRoute");
  expect(read(route(policy, "HTTPRoute", { kind: "Server" })).kind)
    .toBe("HTTPRoute");
  for (
    const [version, parent] of [
      [gateway, {}],
      [gateway, { kind: "Gateway" }],
      [gateway, { kind: "Server" }],
      [policy, { kind: "Gateway" }],
    ] as const
  ) {
    expect(parseManifest(route(version, "HTTPRoute", parent)))
      .toEqual({ kind: "skipped" });
  }
});
