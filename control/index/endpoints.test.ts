import { expect, test } from "bun:test";
import {
  applies,
  podManifest,
  serverManifest,
  serviceManifest,
  sliceManifest,
} from "../testing/objects.ts";
import type { EndpointsQuery } from "../views.ts";
import { endpointsOf, sameEndpoints } from "./endpoints.ts";
import { createIndex, type Index } from "./fold.ts";
import { createSettings, type Settings } from "./settings.ts";

type Manifest = Readonly<Record<string, unknown>>;

const WEB: EndpointsQuery = {
  service: { namespace: "shop", name: "web" },
  port: 80,
  hostname: null,
  nodeName: null,
};

function indexOf(
  manifests: readonly Manifest[],
  settings: Partial<Settings> = {},
): Index {
  const index = createIndex(createSettings(settings));
  index.apply(applies(...manifests));
  return index;
}

function addresses(
  manifests: readonly Manifest[],
  query: Partial<EndpointsQuery> = {},
  settings: Partial<Settings> = {},
): string[] {
  const answer = endpointsOf(
    { ...WEB, ...query },
    indexOf(manifests, settings),
  );
  return answer.kind === "known" ? [...answer.endpoints.keys()] : [answer.kind];
}

const SERVICE = serviceManifest("web", "10.43.0.1");
const slice = (more: Manifest, ip = "10.1.0.1") =>
  sliceManifest("web", [[null, ip]], more);

test("endpointsOf() gives the addresses of a Service", () => {
  const headless = serviceManifest("web", "None");
  const cases: [what: string, given: Manifest[], expected: string[]][] = [
    ["no Service", [slice({})], ["absent"]],
    ["no slice", [SERVICE], []],
    ["a raw address", [SERVICE, slice({})], ["10.1.0.1:8080"]],
    ["headless", [headless, slice({})], ["10.1.0.1:8080"]],
    [
      "external",
      [serviceManifest("web", "", { spec: { type: "ExternalName" } })],
      ["external"],
    ],
    [
      "not ready",
      [
        SERVICE,
        sliceManifest("web", [
          [null, "10.1.0.1", { conditions: { ready: false } }],
          [null, "10.1.0.2", { conditions: {} }],
          [null, "10.1.0.3", { conditions: { ready: true, serving: false } }],
        ]),
      ],
      ["10.1.0.2:8080", "10.1.0.3:8080"],
    ],
    [
      "a slice that another slice repeats",
      [
        SERVICE,
        slice({}),
        slice({
          metadata: {
            name: "by-owner",
            namespace: "shop",
            ownerReferences: [{ kind: "Service", name: "web" }],
          },
        }),
      ],
      ["10.1.0.1:8080"],
    ],
    [
      "a slice of nobody",
      [SERVICE, slice({ metadata: { name: "stray", namespace: "shop" } })],
      [],
    ],
    [
      "a Pod that is not known",
      [SERVICE, sliceManifest("web", [["a", "10.1.0.1"]])],
      [],
    ],
    [
      "a reference to something else",
      [
        SERVICE,
        sliceManifest("web", [[null, "10.1.0.1", {
          targetRef: { kind: "ExternalWorkload", name: "vm" },
        }]]),
      ],
      [],
    ],
    ["no ports", [SERVICE, slice({ ports: [] })], []],
    ["another port", [SERVICE, slice({ ports: [{ name: "x", port: 1 }] })], []],
    [
      "UDP",
      [SERVICE, slice({ ports: [{ name: "http", port: 1, protocol: "UDP" }] })],
      [],
    ],
    [
      "IPv6",
      [SERVICE, slice({ addressType: "IPv6" }, "fd00::1")],
      [],
    ],
  ];
  for (const [what, given, expected] of cases) {
    expect({ what, got: addresses(given) }).toEqual({ what, got: expected });
  }
});

test("endpointsOf() joins ports by name, and takes a number not declared as it is", () => {
  const ports = [{ name: "http", port: 80 }, { name: "admin", port: 81 }];
  const service = serviceManifest("web", "10.43.0.1", { spec: { ports } });
  const given = [
    service,
    slice({
      ports: [{ name: "admin", port: 9000 }, { name: "http", port: 8080 }],
    }),
  ];
  expect(addresses(given, { port: 81 })).toEqual(["10.1.0.1:9000"]);
  expect(addresses(given, { port: 7777 })).toEqual(["10.1.0.1:7777"]);
  const unnamed = [
    serviceManifest("web", "10.43.0.1", { spec: { ports: [{ port: 80 }] } }),
    slice({ ports: [{ port: 8080 }] }),
  ];
  expect(addresses(unnamed)).toEqual(["10.1.0.1:8080"]);
});

test("endpointsOf() narrows by hostname, node and family", () => {
  const pods = [
    podManifest("a", "10.1.0.1", {
      spec: { nodeName: "n1" },
      status: { podIPs: [{ ip: "10.1.0.1" }, { ip: "fd00::1" }] },
    }),
    podManifest("b", "10.1.0.2", { spec: { nodeName: "n2" } }),
  ];
  const v4 = sliceManifest("web", [
    ["a", "10.1.0.1", { hostname: "db-0" }],
    ["b", "10.1.0.2", { hostname: "db-1" }],
  ]);
  const v6 = sliceManifest("web", [["a", "fd00::1"]], {
    addressType: "IPv6",
    metadata: {
      name: "web-6",
      namespace: "shop",
      labels: { "kubernetes.io/service-name": "web" },
    },
  });
  const local = serviceManifest("web", "10.43.0.1", {
    spec: { internalTrafficPolicy: "Local" },
  });
  const all = [SERVICE, ...pods, v4, v6];
  expect(addresses(all, { hostname: "db-1" })).toEqual(["10.1.0.2:8080"]);
  expect(addresses(all, {}, { ipv6: true }))
    .toEqual(["10.1.0.2:8080", "[fd00::1]:8080"]);
  const here = [local, ...pods, v4];
  expect(addresses(here, { nodeName: "n1" })).toEqual(["10.1.0.1:8080"]);
  expect(addresses(here, { nodeName: "n3" })).toEqual([]);
  expect(addresses(here)).toEqual([]);
});

test("endpointsOf() says how each Pod is reached", () => {
  const other = { labels: { "linkerd.io/control-plane-ns": "elsewhere" } };
  const proxy = {
    spec: {
      initContainers: [{
        name: "linkerd-proxy",
        env: [{
          name: "LINKERD2_PROXY_INBOUND_LISTEN_ADDR",
          value: "0.0.0.0:5143",
        }, { name: "LINKERD2_PROXY_ADMIN_LISTEN_ADDR", value: "[::]:8080" }],
      }],
    },
  };
  const annotated = (name: string, value: string) => ({
    annotations: { [`config.linkerd.io/${name}`]: value },
  });
  const id = "default.shop.serviceaccount.identity.linkerd.cluster.local";
  const meshed = {
    identity: { id, kind: "dns", serverName: id },
    protocolHint: "h2",
    inboundPort: 4143,
  };
  const plain = { identity: null, protocolHint: "none", inboundPort: null };
  const cases: [what: string, given: Manifest, expected: object][] = [
    ["meshed", {}, meshed],
    ["not meshed", { labels: {} }, { ...plain, http2: null }],
    ["of another mesh", other, { ...meshed, identity: null }],
    ["port by its proxy", {
      spec: {
        containers: [{
          name: "linkerd-proxy",
          env: [{
            name: "LINKERD2_PROXY_INBOUND_LISTEN_ADDR",
            value: "[::]:5143",
          }],
        }],
      },
    }, { ...meshed, inboundPort: 5143 }],
    ["the proxy's own port", proxy, { ...meshed, inboundPort: null }],
    ["skipped", annotated("skip-inbound-ports", "8000-8080"), plain],
    ["opaque by name", annotated("opaque-ports", "http"), {
      ...meshed,
      protocolHint: "opaque",
    }],
    ["an account with a dot", {
      spec: { serviceAccountName: "a.b" },
    }, { ...meshed, identity: null }],
  ];
  for (const [what, given, expected] of cases) {
    const index = indexOf([
      SERVICE,
      podManifest("a", "10.1.0.1", given),
      sliceManifest("web", [["a", "10.1.0.1"]]),
    ]);
    const answer = endpointsOf(WEB, index);
    const [endpoint] = answer.kind === "known" ? answer.endpoints.values() : [];
    expect({ what, ...endpoint }).toMatchObject({ what, ...expected });
  }
});

test("endpointsOf() hints opaque by the mesh's list, a Namespace's annotation or a Server", () => {
  const pod = podManifest("a", "10.1.0.1");
  const given = [
    SERVICE,
    pod,
    sliceManifest("web", [["a", "10.1.0.1"]], {
      ports: [{ name: "http", port: 6379 }],
    }),
  ];
  const hint = (more: readonly Manifest[]) => {
    const answer = endpointsOf(WEB, indexOf([...given, ...more]));
    const [endpoint] = answer.kind === "known" ? answer.endpoints.values() : [];
    return endpoint?.protocolHint;
  };
  const none = {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: {
      name: "shop",
      annotations: { "config.linkerd.io/opaque-ports": "" },
    },
  };
  const server = serverManifest("s", {
    spec: { port: 6379, proxyProtocol: "opaque" },
  });
  expect(hint([])).toBe("opaque");
  expect(hint([none])).toBe("h2");
  expect(hint([none, server])).toBe("opaque");
});

test("sameEndpoints() sees what changed and nothing else", () => {
  const given = [
    SERVICE,
    podManifest("a", "10.1.0.1"),
    sliceManifest("web", [["a", "10.1.0.1"]]),
  ];
  const before = endpointsOf(WEB, indexOf(given));
  expect(sameEndpoints(before, endpointsOf(WEB, indexOf(given)))).toBe(true);
  const changes: Manifest[] = [
    podManifest("a", "10.1.0.1", { labels: {} }),
    sliceManifest("web", [["a", "10.1.0.2"]]),
    sliceManifest("web", [["a", "10.1.0.1", { zone: "east" }]]),
    serviceManifest("web", "", { spec: { type: "ExternalName" } }),
  ];
  for (const change of changes) {
    const after = endpointsOf(WEB, indexOf([...given, change]));
    expect(sameEndpoints(before, after)).toBe(false);
  }
});

test("endpointsOf() tells which gateway leads to a mirrored Service", () => {
  const annotated = (annotations: Readonly<Record<string, string>>) => {
    const metadata = {
      name: "web-1",
      namespace: "shop",
      labels: { "kubernetes.io/service-name": "web" },
      annotations,
    };
    const index = indexOf([SERVICE, slice({ metadata })]);
    const answer = endpointsOf(WEB, index);
    if (answer.kind !== "known") throw new Error(answer.kind);
    const { identity, authorityOverride, protocolHint, inboundPort } =
      answer.endpoints.get("10.1.0.1:8080") ?? {};
    expect([protocolHint, inboundPort]).toEqual(["none", null]);
    return [identity?.id, authorityOverride];
  };
  const gateway = { "mirror.linkerd.io/remote-gateway-identity": "gateway.a" };
  const name = {
    "mirror.linkerd.io/remote-svc-fq-name": "web.shop.svc.cluster.local",
  };
  expect(annotated({ ...gateway, ...name }))
    .toEqual(["gateway.a", "web.shop.svc.cluster.local:80"]);
  expect(annotated(gateway)).toEqual(["gateway.a", null]);
  expect(annotated({})).toEqual([undefined, null]);
});
