import { afterEach, expect, test } from "bun:test";
import { Code, ConnectError } from "@connectrpc/connect";
import { InboundServerPolicies } from "../../schemas/proto/gen/inbound_pb.ts";
import { OutboundPolicies } from "../../schemas/proto/gen/outbound_pb.ts";
import { type FolderMesh, startFolderMesh } from "../testing/folder.ts";
import {
  podManifest,
  serverManifest,
  serviceManifest,
} from "../testing/objects.ts";
import { readStream } from "../testing/stream.ts";
import { toTcpAddress } from "./destination/address.ts";

let mesh: FolderMesh;
let hangUp: AbortController;
afterEach(async () => {
  hangUp.abort();
  await mesh.close();
});

async function start(
  ...given: Parameters<typeof startFolderMesh>
): Promise<void> {
  hangUp = new AbortController();
  mesh = await startFolderMesh(...given);
}

function spec(ip: string, port: number) {
  return {
    sourceWorkload: '{"ns":"shop","pod":"a"}',
    target: { case: "addr" as const, value: toTcpAddress({ ip, port }) },
  };
}

function watchOutbound(ip: string, port: number) {
  const { signal } = hangUp;
  const client = mesh.client(OutboundPolicies);
  return readStream(client.watch(spec(ip, port), { signal }));
}

function watchInbound(workload: string, port: number) {
  const { signal } = hangUp;
  const client = mesh.client(InboundServerPolicies);
  return readStream(client.watchPort({ workload, port }, { signal }));
}

async function codeOf(call: Promise<unknown>): Promise<Code> {
  return ConnectError.from(await call.catch((error: unknown) => error)).code;
}

const WEB_META = {
  kind: {
    case: "resource",
    value: {
      group: "core",
      kind: "Service",
      name: "web",
      namespace: "shop",
      port: 80,
    },
  },
};

const TO_WEB = {
  backends: {
    kind: {
      case: "firstAvailable",
      value: {
        backends: [{
          backend: {
            metadata: WEB_META,
            queue: { capacity: 100, failfastTimeout: { seconds: 3n } },
            kind: {
              case: "balancer",
              value: {
                discovery: {
                  kind: {
                    case: "dst",
                    value: { path: "web.shop.svc.cluster.local:80" },
                  },
                },
                load: {
                  case: "peakEwma",
                  value: {
                    defaultRtt: { nanos: 30_000_000 },
                    decay: { seconds: 10n },
                  },
                },
              },
            },
          },
        }],
      },
    },
  },
};

const HTTP_TO_WEB = {
  routes: [{
    metadata: { kind: { case: "default", value: "http" } },
    rules: [{
      ...TO_WEB,
      matches: [{ path: { kind: { case: "prefix", value: "/" } } }],
    }],
  }],
};

const OPAQUE_TO_WEB = {
  routes: [{
    metadata: { kind: { case: "default", value: "opaq" } },
    rules: [TO_WEB],
  }],
};

test("OutboundPolicies detects on a Service's port, with routes for what may be found", async () => {
  await start({ "web.yaml": [serviceManifest("web", "10.43.0.1")] });
  const policy = await mesh.client(OutboundPolicies).get(spec("10.43.0.1", 80));
  expect(policy).toMatchObject({
    metadata: WEB_META,
    protocol: {
      kind: {
        case: "detect",
        value: {
          timeout: { seconds: 10n },
          http1: HTTP_TO_WEB,
          http2: HTTP_TO_WEB,
          opaque: OPAQUE_TO_WEB,
        },
      },
    },
  });
});

test("OutboundPolicies follows appProtocol and annotation, and ends with the Service", async () => {
  await start({ "web.yaml": [serviceManifest("web", "10.43.0.1")] });
  const policies = watchOutbound("10.43.0.1", 80);
  expect((await policies.next()).protocol?.kind.case).toBe("detect");
  const annotations = { "config.linkerd.io/opaque-ports": "80" };
  const steps: [appProtocol: string | null, expected: unknown][] = [
    [null, { case: "opaque", value: OPAQUE_TO_WEB }],
    ["HTTP", { case: "http1", value: HTTP_TO_WEB }],
    ["kubernetes.io/h2c", { case: "http2", value: HTTP_TO_WEB }],
    ["kubernetes.io/ws", { case: "opaque", value: OPAQUE_TO_WEB }],
  ];
  for (const [appProtocol, expected] of steps) {
    const ports = [{ port: 80, appProtocol }];
    await mesh.save(
      "web.yaml",
      serviceManifest("web", "10.43.0.1", { annotations, spec: { ports } }),
    );
    const from = performance.now();
    expect((await policies.next()).protocol?.kind).toMatchObject(
      expected as object,
    );
    expect(performance.now() - from).toBeLessThan(100);
  }
  await mesh.remove("web.yaml");
  await policies.end();
  expect(await codeOf(watchOutbound("10.43.0.1", 80).next()))
    .toBe(Code.NotFound);
});

test("OutboundPolicies forbids a port that is not declared", async () => {
  await start({ "web.yaml": [serviceManifest("web", "10.43.0.1")] });
  const policies = watchOutbound("10.43.0.1", 81);
  expect((await policies.next()).protocol?.kind).toMatchObject({
    case: "opaque",
    value: {
      routes: [{
        metadata: { kind: { case: "default", value: "undefined-port" } },
        rules: [{
          backends: { kind: { case: "empty" } },
          filters: [{ kind: { case: "forbidden" } }],
        }],
      }],
    },
  });
  await mesh.save(
    "web.yaml",
    serviceManifest("web", "10.43.0.1", { spec: { ports: [{ port: 81 }] } }),
  );
  expect((await policies.next()).protocol?.kind.case).toBe("detect");
});

test("OutboundPolicies forwards what is outside of the cluster, and knows nothing of strangers inside", async () => {
  await start();
  const metadata = { kind: { case: "default", value: "egress-fallback" } };
  const client = mesh.client(OutboundPolicies);
  expect(await client.get(spec("2001:db8::1", 443))).toMatchObject({
    metadata,
    protocol: {
      kind: {
        case: "detect",
        value: {
          opaque: {
            routes: [{
              metadata,
              rules: [{
                backends: {
                  kind: {
                    value: {
                      backends: [{
                        backend: {
                          kind: {
                            case: "forward",
                            value: {
                              addr: toTcpAddress({
                                ip: "2001:db8::1",
                                port: 443,
                              }),
                            },
                          },
                        },
                      }],
                    },
                  },
                },
              }],
            }],
          },
        },
      },
    },
  });
  expect(await codeOf(client.get(spec("10.9.9.9", 80)))).toBe(Code.NotFound);
  expect(await codeOf(client.get(spec("10.9.9.9", 0))))
    .toBe(Code.InvalidArgument);
  expect(await codeOf(client.get({ target: { case: undefined } })))
    .toBe(Code.InvalidArgument);
});

test("OutboundPolicies knows a Service by each form of its name, even before it exists", async () => {
  await start();
  const client = mesh.client(OutboundPolicies);
  for (
    const value of ["web.shop.svc", "web.shop.svc.cluster.local.:80"]
  ) {
    const policy = await client.get({ target: { case: "authority", value } });
    expect(policy.metadata).toMatchObject(WEB_META);
  }
  for (const value of ["web", "example.org:80", "a.web.shop.svc"]) {
    const call = client.get({ target: { case: "authority", value } });
    expect(await codeOf(call)).toBe(Code.NotFound);
  }
});

test("InboundServerPolicies follows Servers, and ends with the Pod", async () => {
  await start({ "pod.yaml": [podManifest("a", "10.1.0.1")] });
  const policies = watchInbound("shop:a", 8080);
  const byDefault = {
    protocol: {
      kind: { case: "detect", value: { timeout: { seconds: 10n } } },
    },
    labels: { group: "", kind: "default", name: "all-unauthenticated" },
    authorizations: [{
      networks: [{ net: { prefixLen: 0 } }, { net: { prefixLen: 0 } }],
      authentication: { permit: { case: "unauthenticated" } },
      labels: { group: "", kind: "default", name: "all-unauthenticated" },
      metadata: { kind: { case: "default", value: "all-unauthenticated" } },
    }],
  };
  expect(await policies.next()).toMatchObject(byDefault);

  const created = (year: number) => ({
    creationTimestamp: `${year}-01-01T00:00:00Z`,
  });
  const young = serverManifest("young", {
    ...created(2026),
    spec: { proxyProtocol: "opaque", port: "http" },
  });
  const old = serverManifest("old", {
    ...created(2025),
    spec: { proxyProtocol: "gRPC" },
  });
  await mesh.save("young.yaml", young);
  const from = performance.now();
  expect(await policies.next()).toMatchObject({
    protocol: { kind: { case: "opaque" } },
    labels: { group: "policy.linkerd.io", kind: "server", name: "young" },
    authorizations: byDefault.authorizations,
  });
  expect(performance.now() - from).toBeLessThan(100);
  await mesh.save("old.yaml", old);
  expect(await policies.next()).toMatchObject({
    protocol: { kind: { case: "grpc" } },
    labels: { name: "old" },
  });
  await mesh.logs.until("Server shop/young is not in force on port 8080");
  await mesh.remove("old.yaml");
  expect((await policies.next()).labels["name"]).toBe("young");
  await mesh.remove("young.yaml");
  expect(await policies.next()).toMatchObject(byDefault);
  await mesh.remove("pod.yaml");
  await policies.end();
});

test("InboundServerPolicies permits as the Pod's annotations and the cluster's default say", async () => {
  const identity = {
    permit: {
      case: "meshTLS",
      value: {
        clients: { case: "identities", value: { suffixes: [{ parts: [] }] } },
      },
    },
  };
  await start({
    "ns.yaml": [{
      apiVersion: "v1",
      kind: "Namespace",
      metadata: {
        name: "strict",
        annotations: {
          "config.linkerd.io/default-inbound-policy": "all-authenticated",
        },
      },
    }],
    "pods.yaml": [
      podManifest("audited", "10.1.0.1", {
        annotations: {
          "config.linkerd.io/default-inbound-policy": "audit",
          "config.linkerd.io/opaque-ports": "8080",
          "config.linkerd.io/proxy-require-identity-inbound-ports": "9000",
        },
      }),
      podManifest("denied", "10.1.0.2", {
        annotations: { "config.linkerd.io/default-inbound-policy": "deny" },
      }),
      podManifest("inherits", "10.1.0.3", { namespace: "strict" }),
      podManifest("usual", "10.1.0.4"),
    ],
  }, { defaultInboundPolicy: "cluster-authenticated" });
  const client = mesh.client(InboundServerPolicies);
  const ask = (workload: string, port = 8080) =>
    client.getPort({ workload, port });
  expect(await ask("shop:audited")).toMatchObject({
    protocol: { kind: { case: "opaque" } },
    labels: { name: "audit" },
    authorizations: [{
      authentication: { permit: { case: "unauthenticated" } },
      labels: { name: "audit" },
    }],
  });
  expect((await ask("shop:audited", 9000)).authorizations)
    .toMatchObject([{ authentication: identity }]);
  expect(await ask("shop:denied")).toMatchObject({
    labels: { name: "deny" },
    authorizations: [],
  });
  expect(await ask("strict:inherits")).toMatchObject({
    labels: { name: "all-authenticated" },
    authorizations: [{ authentication: identity }],
  });
  const usual = await ask('{"ns":"shop","pod":"usual"}');
  expect(usual.authorizations[0]?.networks.map(({ net }) => net?.prefixLen))
    .toEqual([8, 10, 12, 16, 8]);
});

test("InboundServerPolicies refuses what is no Pod or no port", async () => {
  await start();
  const client = mesh.client(InboundServerPolicies);
  const cases: [workload: string, port: number, code: Code][] = [
    ["shop:a", 8080, Code.NotFound],
    ["shop:a", 0, Code.InvalidArgument],
    ["shop:a", 65_536, Code.InvalidArgument],
    ["a", 8080, Code.InvalidArgument],
    ["{", 8080, Code.InvalidArgument],
    ['{"ns":"shop","external_workload":"vm"}', 8080, Code.NotFound],
  ];
  for (const [workload, port, code] of cases) {
    expect({ workload, code: await codeOf(client.getPort({ workload, port })) })
      .toEqual({ workload, code });
  }
});
