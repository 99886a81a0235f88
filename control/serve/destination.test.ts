import { afterEach, expect, test } from "bun:test";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  Destination,
  type Update,
} from "../../schemas/proto/gen/destination_pb.ts";
import { type FolderMesh, startFolderMesh } from "../testing/folder.ts";
import {
  podManifest,
  serverManifest,
  serviceManifest,
  sliceManifest,
} from "../testing/objects.ts";
import { readStream, type StreamReader } from "../testing/stream.ts";
import { fromTcpAddress } from "./destination/address.ts";

const WEB = { path: "web.shop.svc.cluster.local:80" };

/** Issue 2: an edit reaches a proxy in under this. */
const EDIT_MAX_MS = 100;

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

function get(path: string, contextToken = ""): StreamReader<Update> {
  const { signal } = hangUp;
  const client = mesh.client(Destination);
  return readStream(client.get({ path, contextToken }, { signal }));
}

function getProfile(path: string) {
  const { signal } = hangUp;
  const client = mesh.client(Destination);
  return readStream(client.getProfile({ path }, { signal }));
}

/** `+` and `-` before the addresses that an update adds and removes, or what it says of none. */
function summary({ update }: Update): string[] {
  switch (update.case) {
    case "add":
      return update.value.addrs.map(({ addr }) => `+${ipPort(addr)}`);
    case "remove":
      return update.value.addrs.map((addr) => `-${ipPort(addr)}`);
    case "noEndpoints":
      return [`none, exists: ${update.value.exists}`];
    default:
      return ["nothing"];
  }
}

function ipPort(message: Parameters<typeof fromTcpAddress>[0] | undefined) {
  const address = message && fromTcpAddress(message);
  return address ? `${address.ip}:${address.port}` : "no address";
}

async function failure(stream: StreamReader<unknown>): Promise<ConnectError> {
  const thrown = await stream.next().catch((error: unknown) => error);
  return ConnectError.from(thrown);
}

test("Get tells all that a proxy needs to reach a meshed Pod", async () => {
  await start({
    "web.yaml": [
      serviceManifest("web", "10.43.0.1"),
      podManifest("web-5d8-x", "10.1.0.1", {
        ownerReferences: [{ kind: "ReplicaSet", name: "web-5d8" }],
        labels: {
          "linkerd.io/control-plane-ns": "linkerd",
          "pod-template-hash": "5d8",
        },
        spec: { serviceAccountName: "frontend" },
      }),
      sliceManifest("web", [["web-5d8-x", "10.1.0.1", { zone: "east" }]]),
    ],
  });
  const { update } = await get(WEB.path).next();
  expect(update).toMatchObject({
    case: "add",
    value: { metricLabels: { service: "web", namespace: "shop" } },
  });
  if (update.case !== "add") throw new Error("an Add was expected");
  const [endpoint] = update.value.addrs;
  const id = "frontend.shop.serviceaccount.identity.linkerd.cluster.local";
  expect(ipPort(endpoint?.addr)).toBe("10.1.0.1:8080");
  expect(endpoint).toMatchObject({
    weight: 10_000,
    metricLabels: {
      pod: "web-5d8-x",
      deployment: "web",
      serviceaccount: "frontend",
      control_plane_ns: "linkerd",
      pod_template_hash: "5d8",
      zone: "east",
      zone_locality: "unknown",
    },
    tlsIdentity: {
      strategy: { case: "dnsLikeIdentity", value: { name: id } },
      serverName: { name: id },
    },
    protocolHint: {
      protocol: { case: "h2" },
      opaqueTransport: { inboundPort: 4143 },
    },
    http2: { keepAlive: { interval: { seconds: 10n }, whileIdle: true } },
  });
});

test("Get follows the folder: edits, new folders, removals, each within 100 ms", async () => {
  const service = serviceManifest("web", "10.43.0.1");
  await start({ "web.yaml": [service] });
  const updates = get(WEB.path);
  const tookMs: number[] = [];
  const after = async (edit: Promise<void>): Promise<string[]> => {
    await edit;
    const from = performance.now();
    const update = await updates.next();
    tookMs.push(performance.now() - from);
    return summary(update);
  };
  expect(summary(await updates.next())).toEqual(["none, exists: true"]);
  const one = sliceManifest("web", [[null, "10.1.0.1"]]);
  const two = sliceManifest("web", [[null, "10.1.0.1"], [null, "10.1.0.2"]]);
  expect(await after(mesh.save("deep/er/slice.json", one)))
    .toEqual(["+10.1.0.1:8080"]);
  expect(await after(mesh.save("deep/er/slice.json", two)))
    .toEqual(["+10.1.0.2:8080"]);
  expect(await after(mesh.save("deep/er/slice.json", one)))
    .toEqual(["-10.1.0.2:8080"]);
  expect(await after(mesh.remove("deep"))).toEqual(["none, exists: true"]);
  expect(await after(mesh.remove("web.yaml"))).toEqual(["none, exists: false"]);
  expect(
    await after(mesh.save("list.yml", {
      apiVersion: "v1",
      kind: "List",
      items: [service, two],
    })),
  ).toEqual(["+10.1.0.1:8080", "+10.1.0.2:8080"]);
  for (const ms of tookMs) expect(ms).toBeLessThan(EDIT_MAX_MS);
});

test("Get announces an address again when the Pod behind it is replaced, and never removes it", async () => {
  await start({
    "web.yaml": [serviceManifest("web", "10.43.0.1")],
    "pods.yaml": [
      podManifest("a", "10.1.0.1"),
      sliceManifest("web", [["a", "10.1.0.1"]]),
    ],
  });
  const updates = get(WEB.path);
  expect(summary(await updates.next())).toEqual(["+10.1.0.1:8080"]);
  await mesh.save(
    "pods.yaml",
    podManifest("b", "10.1.0.1"),
    podManifest("c", "10.1.0.2"),
    sliceManifest("web", [["b", "10.1.0.1"], ["c", "10.1.0.2"]]),
  );
  expect(summary(await updates.next()))
    .toEqual(["+10.1.0.1:8080", "+10.1.0.2:8080"]);
});

test("Get keeps traffic on the caller's node when the Service says so", async () => {
  await start({
    "web.yaml": [
      serviceManifest("web", "10.43.0.1", {
        spec: { internalTrafficPolicy: "Local" },
      }),
      podManifest("a", "10.1.0.1", { spec: { nodeName: "n1" } }),
      podManifest("b", "10.1.0.2", { spec: { nodeName: "n2" } }),
      sliceManifest("web", [["a", "10.1.0.1"], ["b", "10.1.0.2"]]),
    ],
  });
  const token = JSON.stringify({ ns: "shop", nodeName: "n2", pod: "c" });
  expect(summary(await get(WEB.path, token).next()))
    .toEqual(["+10.1.0.2:8080"]);
  expect(summary(await get(WEB.path).next())).toEqual(["none, exists: true"]);
});

test("Get refuses what is no name of a Service", async () => {
  await start({
    "external.yaml": [
      serviceManifest("ext", "", {
        spec: { type: "ExternalName", externalName: "example.org" },
      }),
    ],
  });
  const cases: [string, Code][] = [
    ["foo", Code.InvalidArgument],
    ["10.1.2.3:80", Code.InvalidArgument],
    ["web.shop.svc.cluster.local:0", Code.InvalidArgument],
    ["ext.shop.svc.cluster.local:80", Code.InvalidArgument],
    ["web.shop.svc.cluster.local:80", Code.NotFound],
  ];
  for (const [path, code] of cases) {
    expect({ path, code: (await failure(get(path))).code })
      .toEqual({ path, code });
  }
  expect((await failure(get("foo"))).rawMessage)
    .toBe("Invalid authority: foo");
});

test("GetProfile tells what an address is, and follows it", async () => {
  await start({
    "web.yaml": [serviceManifest("web", "10.43.0.1")],
    "pod.yaml": [podManifest("a", "10.1.0.1")],
  });
  const profiles = getProfile("10.43.0.1:80");
  expect(await profiles.next()).toMatchObject({
    fullyQualifiedName: "web.shop.svc.cluster.local",
    opaqueProtocol: false,
    retryBudget: { minRetriesPerSecond: 10, ttl: { seconds: 10n } },
    parentRef: {
      kind: {
        case: "resource",
        value: { kind: "Service", name: "web", namespace: "shop", port: 80 },
      },
    },
  });
  await mesh.save(
    "web.yaml",
    serviceManifest("web", "10.43.0.1", {
      annotations: { "config.linkerd.io/opaque-ports": "http" },
    }),
  );
  const from = performance.now();
  expect((await profiles.next()).opaqueProtocol).toBe(true);
  expect(performance.now() - from).toBeLessThan(EDIT_MAX_MS);

  const pods = getProfile("10.1.0.1:8080");
  expect(await pods.next()).toMatchObject({
    fullyQualifiedName: "",
    opaqueProtocol: false,
    endpoint: { metricLabels: { pod: "a", namespace: "shop" } },
  });
  await mesh.save(
    "server.yaml",
    serverManifest("redis", { spec: { proxyProtocol: "opaque" } }),
  );
  expect(await pods.next()).toMatchObject({
    opaqueProtocol: true,
    endpoint: { protocolHint: { protocol: { case: "opaque" } } },
  });

  const unknown = await getProfile("192.0.2.1:3306").next();
  expect(ipPort(unknown.endpoint?.addr)).toBe("192.0.2.1:3306");
  expect(unknown.opaqueProtocol).toBe(true);
  expect(unknown.endpoint?.tlsIdentity).toBeUndefined();
});

test("GetProfile is empty for a port the Service does not declare, until it does", async () => {
  await start({ "web.yaml": [serviceManifest("web", "10.43.0.1")] });
  const profiles = getProfile("10.43.0.1:9999");
  expect(await profiles.next()).toMatchObject({
    fullyQualifiedName: "",
    opaqueProtocol: false,
  });
  await mesh.save(
    "web.yaml",
    serviceManifest("web", "10.43.0.1", { spec: { ports: [{ port: 9999 }] } }),
  );
  expect((await profiles.next()).fullyQualifiedName)
    .toBe("web.shop.svc.cluster.local");
});

test("GetProfile refuses an address that two objects claim", async () => {
  await start({
    "web.yaml": [
      serviceManifest("web", "10.43.0.1"),
      serviceManifest("api", "10.43.0.1"),
    ],
  });
  const { code, rawMessage } = await failure(getProfile("10.43.0.1:80"));
  expect(code).toBe(Code.FailedPrecondition);
  expect(rawMessage).toContain("Service shop/web, Service shop/api");
});

test("200 streams are told of a change and leave nothing behind when hung up", async () => {
  await start({ "web.yaml": [serviceManifest("web", "10.43.0.1")] });
  const streams = Array.from({ length: 200 }, () => get(WEB.path));
  await Promise.all(streams.map((stream) => stream.next()));
  expect(mesh.world.sizes()["watchers"]).toBe(200);
  await mesh.save("s.yaml", sliceManifest("web", [[null, "10.1.0.1"]]));
  const updates = await Promise.all(streams.map((stream) => stream.next()));
  expect(new Set(updates.flatMap(summary))).toEqual(
    new Set(["+10.1.0.1:8080"]),
  );
  hangUp.abort();
  const deadlineMs = performance.now() + 2_000;
  while (mesh.world.sizes()["watchers"] !== 0) {
    expect(performance.now()).toBeLessThan(deadlineMs);
    await Bun.sleep(5);
  }
});
