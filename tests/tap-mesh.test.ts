// What the metrics component does: it asks the tap port of other pods in plaintext, and its own proxy makes that mutual TLS.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { type Pod, proxyOf } from "../demo/bed/pod.ts";
import { REALM } from "../demo/bed/proxy-environment.ts";
import { waitFor } from "../demo/bed/wait.ts";
import { dial } from "../proxy/connect.ts";
import { startCall } from "../proxy/grpc.ts";
import { type GrpcStatus, StatusCode } from "../proxy/grpc/status.ts";
import { connectHttp2 } from "../proxy/http2/client.ts";
import { formatIdentity } from "../schemas/identity.ts";
import {
  ObserveRequestSchema,
  type TapEvent,
  TapEventSchema,
} from "../schemas/proto/gen/tap_pb.ts";
import { inPod } from "./testing/in-pod.ts";
import { type Mesh, MESH_TIMEOUT_MS, openMesh } from "./testing/mesh.ts";
import { dialRaw, listenRaw, type RawServer } from "./testing/raw-socket.ts";
import { formatEvent } from "./testing/tapped.ts";

setDefaultTimeout(120_000);

const PORT = 8080;
const UPGRADE_PORT = 8081;
const TAP_PORT = 4190;
const METRICS = formatIdentity(
  { serviceAccount: "metrics", namespace: "default" },
  REALM,
);
const idOf = (serviceAccount: string) =>
  formatIdentity({ serviceAccount, namespace: "default" }, REALM);

let mesh: Mesh;
const pods = {} as Record<"caller" | "web" | "metrics" | "other", Pod>;
let application: { stop(now: boolean): Promise<void> };
let chat: RawServer;
let service = "";

beforeAll(async () => {
  mesh = await openMesh("tapped");
  const { bed } = mesh;
  const proxyEnv = { LINKERD2_PROXY_TAP_SVC_NAME: METRICS };
  [pods.caller, pods.web, pods.metrics, pods.other] = await Promise.all([
    bed.addPod({ name: "caller", serviceAccount: "caller", proxyEnv }),
    bed.addPod({
      name: "web",
      serviceAccount: "web",
      ports: [PORT, UPGRADE_PORT],
      proxyEnv,
    }),
    bed.addPod({ name: "metrics", serviceAccount: "metrics" }),
    bed.addPod({
      name: "other",
      serviceAccount: "other",
      proxyEnv: { LINKERD2_PROXY_TAP_SVC_NAME: "" },
    }),
  ]);
  application = inPod(pods.web, () =>
    Bun.serve({
      port: PORT,
      hostname: "0.0.0.0",
      fetch: ({ headers }) =>
        new Response("from web", {
          headers: { "x-for": headers.get("l5d-client-id") ?? "" },
        }),
    }));
  chat = listenRaw(pods.web, UPGRADE_PORT, (socket) => {
    void socket.until((text) => text.includes("\r\n\r\n")).then(() => {
      const head = ["HTTP/1.1 101 Switching Protocols", "connection: upgrade"];
      socket.write([...head, "upgrade: chat", "", ""].join("\r\n"));
      return socket.until((text) => text.endsWith("hello"));
    }).then(() => socket.write("hello"));
  });
  const ports = [
    { name: "http", port: 80, targetPort: PORT },
    { name: "chat", port: UPGRADE_PORT },
  ];
  const { clusterIp } = await bed.addService({
    name: "web",
    ports,
    pods: [pods.web],
  });
  service = clusterIp;
  // Not before it goes over mutual TLS: until the Service is known, requests go to it as they are.
  await waitFor(
    async () => /x-for: caller/i.test(await ask()) || null,
    {
      what: () => "the Service in use",
      timeoutMs: 60_000,
      intervalMs: 100,
    },
  );
}, 2 * MESH_TIMEOUT_MS);

afterAll(async () => {
  await application?.stop(true);
  chat?.close();
  await mesh.close();
}, MESH_TIMEOUT_MS);

async function ask(): Promise<string> {
  const socket = await dialRaw(pods.caller, service, 80);
  const head = ["GET /buy?what=1 HTTP/1.1", "host: web", "connection: close"];
  socket.write([...head, "", ""].join("\r\n"));
  return (await socket.ended).toString("latin1");
}

/** Begins to watch requests of a pod. */
async function observe(from: Pod, of: Pod, limit = 1) {
  const options = { timeoutMs: 10_000, tcp: {}, tls: null };
  const address = { ip: of.ip, port: TAP_PORT };
  const channel = await inPod(from, () => dial(address, options));
  const ready = Promise.withResolvers<void>();
  const connection = connectHttp2(channel, {}, {
    ready: ready.resolve,
    retiring() {},
    closed: () => ready.resolve(),
  });
  if (!connection.ready) await ready.promise;
  const events: TapEvent[] = [];
  const ended = Promise.withResolvers<GrpcStatus>();
  const request = create(ObserveRequestSchema, {
    limit,
    match: { match: { case: "all", value: {} } },
  });
  startCall(
    connection,
    {
      path: "/io.linkerd.proxy.tap.Tap/Observe",
      authority: `${of.ip}:${TAP_PORT}`,
    },
    toBinary(ObserveRequestSchema, request),
    {
      message: (bytes) =>
        void events.push(fromBinary(TapEventSchema, bytes.slice())),
      end: ended.resolve,
    },
  );
  return {
    events,
    ended: ended.promise.finally(() => connection.destroy()),
  };
}

test("requests are shown where they are sent, and where they arrive", async () => {
  const outbound = await observe(pods.metrics, pods.caller);
  const inbound = await observe(pods.metrics, pods.web);
  let over = false;
  const both = Promise.all([outbound.ended, inbound.ended]);
  void both.then(() => over = true);
  // A tap sees what comes after it has begun.
  while (!over) await ask();
  expect((await both).map(({ code }) => code)).toEqual([0, 0]);
  for (const { events } of [outbound, inbound]) {
    expect(events.map(formatEvent)).toEqual([
      "0 requestInit web/buy",
      "0 responseInit 200",
      "0 responseEnd 8",
    ]);
  }
  const [sent] = outbound.events;
  expect(sent?.sourceMeta?.labels).toEqual({ tls: "loopback" });
  expect(sent?.destinationMeta?.labels).toMatchObject({
    tls: "true",
    server_id: idOf("web"),
    namespace: "default",
    pod: "web",
  });
  expect(sent?.destination?.port).toBe(PORT);
  const [got] = inbound.events;
  expect(got?.sourceMeta?.labels)
    .toEqual({ tls: "true", client_id: idOf("caller") });
  expect(got?.destination?.port).toBe(PORT);
  expect(got?.destinationMeta).toBeUndefined();
});

test("a tunnel is shown as far as it is HTTP, and carries on", async () => {
  const tap = await observe(pods.metrics, pods.web);
  const socket = await dialRaw(pods.caller, service, UPGRADE_PORT);
  const head = ["GET /chat HTTP/1.1", "host: web", "connection: upgrade"];
  socket.write([...head, "upgrade: chat", "", ""].join("\r\n"));
  await socket.until((text) => text.includes("\r\n\r\n"));
  socket.write("hello");
  await socket.until((text) => text.endsWith("hello"));
  socket.destroy();
  await tap.ended;
  expect(tap.events.map(formatEvent)).toEqual([
    "0 requestInit web/chat",
    "0 responseInit 101",
    "0 responseEnd 0",
  ]);
});

test("nobody else is shown anything", async () => {
  const { events, ended } = await observe(pods.other, pods.web);
  expect([await ended, events]).toEqual([
    { code: StatusCode.unauthenticated, message: "Unauthorized client" },
    [],
  ]);
});

test("a proxy that is not told who may tap listens to nobody", async () => {
  const { ended } = await observe(pods.metrics, pods.other);
  const unreached: number[] = [
    StatusCode.unavailable,
    StatusCode.deadlineExceeded,
  ];
  expect(unreached)
    .toContain((await ended).code);
});

test("a proxy that ends does not wait for who watches it", async () => {
  const { ended, events } = await observe(pods.metrics, pods.caller, 1_000);
  while (events.length === 0) await ask();
  const { program } = proxyOf(pods.caller);
  const { code } = await program().stop();
  expect(code).toBe(0);
  expect((await ended).code).toBe(StatusCode.unavailable);
});
