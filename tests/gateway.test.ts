// A Service of another cluster is reached through that cluster's gateway, which its clients ask for by name (facts 1.6).
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { type Pod, proxyOf } from "../demo/bed/pod.ts";
import { REALM } from "../demo/bed/proxy-environment.ts";
import { waitFor } from "../demo/bed/wait.ts";
import { parseMetrics } from "../demo/metrics.ts";
import { formatIdentity } from "../schemas/identity.ts";
import { type Application, serveGrpc } from "./testing/application.ts";
import { connectFrom } from "./testing/http2-client.ts";
import { inPod } from "./testing/in-pod.ts";
import { type Mesh, MESH_TIMEOUT_MS, openMesh } from "./testing/mesh.ts";
import { dialRaw, listenRaw, type RawServer } from "./testing/raw-socket.ts";

setDefaultTimeout(180_000);

/** A proxy asks again after half a minute for an address that the control plane does not know yet. */
const KNOWN_WITHIN = { timeoutMs: 45_000, intervalMs: 100 };

const PORT = 8080;
/** In Linkerd's default list of opaque ports. */
const OPAQUE_PORT = 9300;
const GRPC_PORT = 7070;
const WEB = "web.default.svc.cluster.local";
const idOf = (serviceAccount: string) =>
  formatIdentity({ serviceAccount, namespace: "default" }, REALM);
const GATEWAY_ID = idOf("gateway");

let mesh: Mesh;
const pods = {} as Record<"caller" | "gateway" | "second" | "web", Pod>;
/** Addresses of Services by name. */
const addresses = new Map<string, string>();
/** What the application was asked, field by field. */
const asked: Headers[] = [];
let application: { stop(now: boolean): Promise<void> };
let greeter: RawServer;
let grpc: Application;

beforeAll(async () => {
  mesh = await openMesh("gateway");
  const { bed } = mesh;
  const gateway = {
    serviceAccount: "gateway",
    annotations: {
      "config.linkerd.io/default-inbound-policy": "all-authenticated",
    },
    proxyEnv: {
      LINKERD2_PROXY_INBOUND_GATEWAY_SUFFIXES: "svc.cluster.local.",
    },
  };
  [pods.caller, pods.gateway, pods.second, pods.web] = await Promise.all([
    bed.addPod({ name: "caller", serviceAccount: "caller" }),
    bed.addPod({ name: "gateway", ...gateway }),
    bed.addPod({ name: "second", ...gateway }),
    bed.addPod({
      name: "web",
      serviceAccount: "web",
      ports: [PORT, OPAQUE_PORT, GRPC_PORT],
    }),
  ]);
  application = inPod(pods.web, () =>
    Bun.serve({
      port: PORT,
      hostname: "0.0.0.0",
      fetch(request) {
        asked.push(request.headers);
        return new Response("from web");
      },
    }));
  greeter = listenRaw(pods.web, OPAQUE_PORT, (socket) => {
    socket.write("hello");
    socket.finish();
  });
  grpc = serveGrpc(pods.web, GRPC_PORT);
  await bed.addService({ name: "web", ports: PORTS, pods: [pods.web] });
  await addMirror("web-far", pods.gateway, "gateway", WEB);
  await waitFor(async () => (await ask("web-far")).status === 200 || null, {
    what: () => "the mirrored Service in use",
    ...KNOWN_WITHIN,
  });
}, 2 * MESH_TIMEOUT_MS);

afterAll(async () => {
  greeter.close();
  grpc.close();
  await application.stop(true);
  await mesh.close();
}, MESH_TIMEOUT_MS);

const PORTS = [
  { name: "http", port: 80, targetPort: PORT },
  { name: "raw", port: OPAQUE_PORT },
  { name: "grpc", port: GRPC_PORT },
];

/** A Service as multicluster's mirror makes it: its endpoint is a gateway, and what it is called there is noted. */
async function addMirror(
  name: string,
  to: Pod,
  serviceAccount: string,
  remoteName: string,
): Promise<void> {
  const { clusterIp } = await mesh.bed.addService({ name, ports: PORTS });
  addresses.set(name, clusterIp);
  await mesh.bed.apply({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: `${name}-gateway`,
      namespace: "default",
      labels: { "kubernetes.io/service-name": name },
      annotations: {
        "mirror.linkerd.io/remote-gateway-identity": idOf(serviceAccount),
        "mirror.linkerd.io/remote-svc-fq-name": remoteName,
      },
    },
    addressType: "IPv4",
    ports: PORTS.map((port) => ({ name: port.name, port: 4143 })),
    endpoints: [{ addresses: [to.ip], conditions: { ready: true } }],
  });
}

/** A request from the caller on a connection of its own. */
async function ask(
  service: string,
  ...fields: string[]
): Promise<{ readonly status: number; readonly text: string }> {
  const socket = await dialRaw(pods.caller, addresses.get(service) ?? "", 80);
  const head = ["GET / HTTP/1.1", `host: ${service}`, "connection: close"];
  socket.write([...head, ...fields, "", ""].join("\r\n"));
  const text = (await socket.ended).toString("latin1");
  return { status: Number(text.split(" ")[1]), text };
}

/** The same once the Service has endpoints. */
async function answer(service: string, ...fields: string[]) {
  return await waitFor(async () => {
    const found = await ask(service, ...fields);
    return found.status === 504 || found.status === 502 ? null : found;
  }, { what: () => `endpoints of ${service}`, ...KNOWN_WITHIN });
}

/** The sum of a family's samples on a pod's page that have these labels. */
async function counted(
  pod: Pod,
  name: string,
  wanted: Readonly<Record<string, string>>,
): Promise<number> {
  const samples = parseMetrics(await proxyOf(pod).metrics());
  return samples.filter((sample) =>
    sample.name === name &&
    Object.entries(wanted).every(([key, value]) => sample.labels[key] === value)
  ).reduce((sum, { value }) => sum + value, 0);
}

test("a request is carried with mutual TLS on both hops, and counted on each", async () => {
  const { caller, gateway, web } = pods;
  const hops = [
    [caller, "request_total", {
      direction: "outbound",
      authority: "web-far.default.svc.cluster.local:80",
      tls: "true",
      server_id: GATEWAY_ID,
    }],
    [gateway, "inbound_http_authz_allow_total", {
      target_port: "4143",
      tls: "true",
      client_id: idOf("caller"),
    }],
    [gateway, "request_total", {
      direction: "outbound",
      authority: `${WEB}:80`,
      tls: "true",
      server_id: idOf("web"),
    }],
    [web, "request_total", {
      direction: "inbound",
      tls: "true",
      client_id: GATEWAY_ID,
    }],
  ] as const;
  const before = await Promise.all(
    hops.map(([pod, name, labels]) => counted(pod, name, labels)),
  );
  asked.length = 0;
  const { status, text } = await ask("web-far", "forwarded: for=192.0.2.1");
  expect(status).toBe(200);
  expect(text).toEndWith("from web");
  const after = await Promise.all(
    hops.map(([pod, name, labels]) => counted(pod, name, labels)),
  );
  expect(after.map((count, at) => count - (before[at] ?? 0)))
    .toEqual([1, 1, 1, 1]);
  expect(asked.map((headers) => headers.get("host"))).toEqual([`${WEB}:80`]);
  expect(asked[0]?.get("l5d-client-id")).toBe(GATEWAY_ID);
  expect(asked[0]?.get("forwarded")).toBe(
    `for=192.0.2.1, by=${GATEWAY_ID};for=${
      idOf("caller")
    };host=${WEB}:80;proto=https`,
  );
  expect(
    await counted(gateway, "inbound_tcp_transport_header_connections_total", {
      session_protocol: "http/1",
      target_port: "80",
      target_name: WEB,
      client_id: idOf("caller"),
    }),
  ).toBeGreaterThan(0);
});

test("gRPC is carried, and told why it is not", async () => {
  const address = addresses.get("web-far") ?? "";
  const far = await connectFrom(pods.caller, address, GRPC_PORT);
  const before = grpc.asked;
  expect(await far.call("/town.Town/Ask"))
    .toMatchObject({ status: 200, grpcStatus: 0 });
  expect(grpc.asked).toBe(before + 1);
  far.close();
  await addMirror("grpc-out", pods.gateway, "gateway", "web.example.org");
  const out = await connectFrom(
    pods.caller,
    addresses.get("grpc-out") ?? "",
    GRPC_PORT,
  );
  expect(
    await waitFor(async () => {
      const { grpcStatus } = await out.call("/town.Town/Ask");
      return grpcStatus === 5 ? grpcStatus : null;
    }, { what: () => "endpoints of grpc-out", ...KNOWN_WITHIN }),
  ).toBe(5);
  out.close();
});

test("bytes are carried too", async () => {
  const hello = async () => {
    const ip = addresses.get("web-far") ?? "";
    const socket = await dialRaw(pods.caller, ip, OPAQUE_PORT);
    const text = (await socket.ended).toString("latin1");
    return text;
  };
  expect(await hello()).toBe("hello");
  const { caller, gateway } = pods;
  const hops = [
    [caller, "gateway", "web-far.default.svc.cluster.local"],
    [gateway, "web", WEB],
  ] as const;
  for (const [pod, server, name] of hops) {
    const labels = {
      direction: "outbound",
      peer: "dst",
      tls: "true",
      server_id: idOf(server),
      authority: `${name}:${OPAQUE_PORT}`,
    };
    expect(await counted(pod, "tcp_open_total", labels)).toBeGreaterThan(0);
  }
});

test("what is not of the gateway's domain is not looked up, and a pod that is no gateway has none", async () => {
  const { gateway, web } = pods;
  const refused = () =>
    counted(gateway, "inbound_http_errors_total", {
      error: "gateway domain invalid",
      target_port: "4143",
    });
  const before = await refused();
  await addMirror("outside", gateway, "gateway", "web.example.org");
  await addMirror("nobody", gateway, "gateway", "no.default.svc.cluster.local");
  await addMirror("no-gateway", web, "web", WEB);
  asked.length = 0;
  for (const service of ["outside", "nobody", "no-gateway"]) {
    expect((await answer(service)).status).toBe(404);
  }
  expect(asked).toEqual([]);
  expect(await refused() - before).toBe(2);
});

test("gateways do not go round", async () => {
  const { gateway, second } = pods;
  await addMirror("around", second, "gateway", WEB);
  await addMirror(
    "far-around",
    gateway,
    "gateway",
    "around.default.svc.cluster.local",
  );
  asked.length = 0;
  expect((await answer("far-around")).status).toBe(508);
  const again = await ask("web-far", `forwarded: for=x;by=${GATEWAY_ID}`);
  expect(again.status).toBe(508);
  expect(asked).toEqual([]);
});

test("policy of the gateway's own port decides, and a client without identity is never asked what it wants", async () => {
  const { gateway, caller } = pods;
  const stranger = await mesh.bed.addPod({ name: "stranger", meshed: false });
  const socket = await dialRaw(stranger, gateway.ip, 4143);
  socket.write(`GET / HTTP/1.1\r\nhost: ${WEB}\r\n\r\n`);
  expect((await socket.ended).toString("latin1")).not.toContain("HTTP");
  const policy = {
    apiVersion: "policy.linkerd.io/v1beta3",
    kind: "Server",
    metadata: { name: "gateway", namespace: "default" },
    spec: {
      podSelector: { matchLabels: { app: "gateway" } },
      port: 4143,
      accessPolicy: "deny",
    },
  };
  await mesh.bed.apply(policy);
  await waitFor(async () => (await ask("web-far")).status === 403 || null, {
    what: () => "the policy of the gateway's port in force",
  });
  const far = addresses.get("web-far") ?? "";
  // It may be cut off before this side counts it as open.
  const heard = await dialRaw(caller, far, OPAQUE_PORT)
    .then(({ ended }) => ended, () => Buffer.alloc(0));
  expect(heard.toString("latin1")).toBe("");
  await mesh.bed.remove(policy);
  await waitFor(async () => (await ask("web-far")).status === 200 || null, {
    what: () => "the default policy in force again",
  });
});
