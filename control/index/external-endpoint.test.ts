import { describe, expect, test } from "bun:test";
import type { ServerPolicy } from "../../schemas/policy.ts";
import {
  applies,
  deletes,
  serverManifest,
  serviceManifest,
  sliceManifest,
} from "../testing/objects.ts";
import {
  authorizationManifest,
  linesOf,
  meshRef,
  policyManifest,
  routeManifest,
  routeNames,
} from "../testing/policies.ts";
import { endpointsOf } from "./endpoints.ts";
import { createIndex } from "./fold.ts";
import { profileOf } from "./profile.ts";
import { serverPolicyOf } from "./server-policy.ts";
import { createSettings } from "./settings.ts";

type Fields = Readonly<Record<string, unknown>>;

const ID = "spiffe://root.linkerd.cluster.local/vm-1";

function external(name: string, ip: string, spec: Fields = {}, more = {}) {
  return {
    apiVersion: "workload.linkerd.io/v1beta1",
    kind: "ExternalWorkload",
    metadata: { name, namespace: "shop", labels: { app: "vm" }, ...more },
    spec: {
      meshTLS: { identity: ID, serverName: "vm-1.example" },
      workloadIPs: [{ ip }],
      ports: [{ name: "http", port: 8080 }],
      ...spec,
    },
  };
}

/** A slice whose endpoints are ExternalWorkloads. */
function slice(...names: readonly (readonly [string, string])[]) {
  return sliceManifest(
    "web",
    names.map(([name, ip]) => [null, ip, {
      targetRef: { kind: "ExternalWorkload", name },
      zone: "west",
    }]),
  );
}

function indexOf(...manifests: readonly Fields[]) {
  const index = createIndex(createSettings());
  index.apply(
    applies(serviceManifest("web", "10.96.0.1"), ...manifests),
  );
  return index;
}

type Index = ReturnType<typeof indexOf>;

function endpoints(index: Index) {
  const answer = endpointsOf({
    service: { namespace: "shop", name: "web" },
    port: 80,
    hostname: null,
    nodeName: null,
  }, index);
  return answer.kind === "known" ? [...answer.endpoints.values()] : null;
}

function policy(index: Index, port = 8080): ServerPolicy | null {
  return serverPolicyOf(
    { external: { namespace: "shop", name: "vm-1" }, port },
    index,
  );
}

const SERVER = serverManifest("vm", {
  spec: {
    podSelector: undefined,
    externalWorkloadSelector: { matchLabels: { app: "vm" } },
    port: "http",
    accessPolicy: "deny",
  },
});

describe("an endpoint that is an ExternalWorkload", () => {
  test("is called with its identity, by its proxy's port", () => {
    const index = indexOf(
      external("vm-1", "192.168.7.1"),
      slice(["vm-1", "192.168.7.1"]),
    );
    expect(endpoints(index)).toEqual([{
      address: { ip: "192.168.7.1", port: 8080 },
      weight: 10_000,
      labels: {
        external_workload: "vm-1",
        zone: "west",
        zone_locality: "unknown",
      },
      identity: { id: ID, kind: "uri", serverName: "vm-1.example" },
      protocolHint: "h2",
      inboundPort: 4143,
      authorityOverride: null,
      http2: index.settings.meshedHttp2,
    }]);
  });

  test("may name its proxy's port, its owner, and ports that are opaque", () => {
    const ports = [
      { name: "http", port: 8080 },
      { name: "linkerd-proxy", port: 9143 },
    ];
    const [found] = endpoints(indexOf(
      external("vm-1", "192.168.7.1", { ports }, {
        annotations: { "config.linkerd.io/opaque-ports": "http" },
        ownerReferences: [{ kind: "ExternalGroup", name: "vms" }],
      }),
      slice(["vm-1", "192.168.7.1"]),
    )) ?? [];
    expect(found?.inboundPort).toBe(9143);
    expect(found?.protocolHint).toBe("opaque");
    expect(found?.labels["externalgroup"]).toBe("vms");
  });

  test("may have a DNS name for an identity", () => {
    const identity = "vm.shop.serviceaccount.identity.linkerd.cluster.local";
    const [found] = endpoints(indexOf(
      external("vm-1", "192.168.7.1", {
        meshTLS: { identity, serverName: identity },
      }),
      slice(["vm-1", "192.168.7.1"]),
    )) ?? [];
    expect(found?.identity)
      .toEqual({ id: identity, kind: "dns", serverName: identity });
  });

  test("is left out until it is known, and again when it is gone", () => {
    const index = indexOf(
      slice(["vm-1", "192.168.7.1"], ["vm-2", "192.168.7.2"]),
    );
    expect(endpoints(index)).toEqual([]);
    const { keys } = index.apply(applies(external("vm-1", "192.168.7.1")));
    expect([...keys].sort()).toEqual([
      "external shop/vm-1",
      "ip 192.168.7.1",
      "service shop/web",
    ]);
    expect(endpoints(index)?.length).toBe(1);
    const gone = index.apply(deletes(external("vm-1", "192.168.7.1")));
    expect(gone.keys).toEqual(keys);
    expect(endpoints(index)).toEqual([]);
  });
});

test("the address of an ExternalWorkload and a port that it declares are its own", () => {
  const index = indexOf(external("vm-1", "192.168.7.1"));
  const profile = (port: number) =>
    profileOf({
      kind: "address",
      ip: "192.168.7.1",
      port,
      clientNamespace: null,
    }, index);
  expect(profile(8080)).toMatchObject({
    kind: "endpoint",
    opaque: false,
    endpoint: {
      identity: { id: ID },
      labels: { external_workload: "vm-1", namespace: "shop" },
    },
  });
  expect(profile(8081)).toMatchObject({
    kind: "endpoint",
    endpoint: { identity: null },
  });
  index.apply(applies(external("vm-2", "192.168.7.1")));
  expect(profile(8080)).toEqual({
    kind: "ambiguous",
    claims: ["ExternalWorkload shop/vm-1", "ExternalWorkload shop/vm-2"],
  });
});

describe("who may call an ExternalWorkload", () => {
  test("is nobody's business until it is known", () => {
    expect(policy(indexOf())).toBeNull();
  });

  test("is said by its annotation or by the mesh, without a Server", () => {
    const index = indexOf(external("vm-1", "192.168.7.1"));
    expect(policy(index)?.meta.name).toBe("all-unauthenticated");
    index.apply(applies(external("vm-1", "192.168.7.1", {}, {
      annotations: { "config.linkerd.io/default-inbound-policy": "deny" },
    })));
    expect(policy(index)).toMatchObject({
      meta: { name: "deny" },
      authorizations: [],
    });
  });

  test("is said by Servers that select it, of whichever name of a port", () => {
    const index = indexOf(
      external("vm-1", "192.168.7.1"),
      SERVER,
      policyManifest("MeshTLSAuthentication", "vms", { identities: [ID] }),
      authorizationManifest("vms", "vm", [meshRef("vms")]),
    );
    const found = policy(index);
    expect(found?.meta.name).toBe("vm");
    expect(linesOf(found?.authorizations ?? [])).toEqual([`vms: all | ${ID}`]);
    // Probes are those of Pods.
    expect(found && routeNames(found.protocol)).toEqual(["default"]);
    expect(policy(index, 8081)?.meta.name).toBe("all-unauthenticated");
    const { keys } = index.apply(applies(
      routeManifest("HTTPRoute", "api", ["vm"], [{
        matches: [{ path: { value: "/api" } }],
      }]),
    ));
    expect([...keys]).toEqual(["external shop/vm-1"]);
    const routed = policy(index);
    expect(routed && routeNames(routed.protocol)).toEqual(["api"]);
  });

  test("is not said by Servers for Pods, nor the other way round", () => {
    const pods = serverManifest("pods", {
      spec: { podSelector: {}, accessPolicy: "deny" },
    });
    const index = indexOf(external("vm-1", "192.168.7.1"), pods);
    expect(policy(index)?.meta.name).toBe("all-unauthenticated");
    const { keys } = index.apply(applies(SERVER));
    expect(keys).toContain("external shop/vm-1");
    expect(policy(index)?.meta.name).toBe("vm");
  });
});

test("an ExternalWorkload of v1alpha1 is one of v1beta1 with a field spelled otherwise", () => {
  const { meshTLS, ...spec } = external("vm-1", "192.168.7.1").spec;
  const old = {
    ...external("vm-1", "192.168.7.1"),
    apiVersion: "workload.linkerd.io/v1alpha1",
    spec: { ...spec, meshTls: meshTLS },
  };
  expect(applies(old)).toEqual(applies(external("vm-1", "192.168.7.1")));
});

test.each([
  ["without an identity", { meshTLS: { serverName: "a" } }, "identity"],
  ["with an address that is none", {
    workloadIPs: [{ ip: "vm.example" }],
  }, "an IP address"],
  ["with a port that is none", { ports: [{ port: 0 }] }, "65535"],
])("an ExternalWorkload %s is refused", (_, spec, why) => {
  expect(() => applies(external("vm-1", "192.168.7.1", spec))).toThrow(why);
});
