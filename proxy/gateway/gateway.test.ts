// Both sides of a gateway's proxy, joined as the edge joins them.
import { afterEach, beforeEach, expect, test } from "bun:test";
import type { Backend, ClientPolicy } from "../../schemas/client-policy.ts";
import type { ServerPolicy } from "../../schemas/policy.ts";
import { dial } from "../connect.ts";
import { connectHttp2 } from "../http2/client.ts";
import { startInbound } from "../inbound.ts";
import { startOutbound } from "../outbound.ts";
import { type Listener, listenTcp, type SocketChannel } from "../socket.ts";
import { createEndpointBed, THIS_HOST } from "../testing/endpoint-bed.ts";
import { FakeControl } from "../testing/fake-control.ts";
import { requestHead } from "../testing/http1.ts";
import { createPki } from "../testing/pki.ts";
import {
  authorization,
  backendAt,
  detectPolicy,
  opaquePolicy,
  serverPolicy,
} from "../testing/policies.ts";
import { RecordedResponse } from "../testing/recorded-exchange.ts";
import { Recorder, turn } from "../testing/recorder.ts";
import { relayFromAfar } from "../testing/relayed.ts";
import { inboundOptions, outboundOptions } from "../testing/sides.ts";
import { keepSpans, type KeptSpans, nthId } from "../trace/testing/spans.ts";
import {
  type TransportHeader,
  writeTransportHeader,
} from "../wire/transport-header.ts";

const pki = createPki();
const gateway = pki.issue("gateway.mesh");
const client = pki.issue("api.shop");

const WEB = "web.shop.svc.cluster.local";
const TARGET = `${WEB}:80`;
const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const NAMED = {
  kind: "identities",
  identities: new Set<string>(),
  suffixes: [""],
} as const;
const ALLOWED = serverPolicy([authorization(["0.0.0.0/0"], NAMED)]);
const DENIED = serverPolicy([authorization(["10.0.0.0/8"], NAMED)]);

let app: Listener;
/** Connections that the application has accepted. */
let served: Recorder[];
let control: FakeControl;
let outbound: ReturnType<typeof startOutbound>;
let inbound: Listener;
let afar: ReturnType<typeof relayFromAfar>;
let bed: ReturnType<typeof createEndpointBed>;
let clients: SocketChannel[];
let tracing: KeptSpans;
/** Of the gateway's own port. */
let policy: ServerPolicy;

beforeEach(() => {
  served = [];
  clients = [];
  tracing = keepSpans();
  policy = ALLOWED;
  app = listenTcp(
    { ip: THIS_HOST, port: 0 },
    {},
    (channel) => void served.push(new Recorder(channel)),
  );
  control = new FakeControl();
  bed = createEndpointBed(gateway);
  start(["svc.cluster.local"]);
});
afterEach(() => {
  stop();
  app.close();
  for (const channel of clients) channel.destroy();
  for (const { channel } of served) channel.destroy();
});

function stop(): void {
  inbound.close();
  outbound.close();
  afar.close();
}

function start(suffixes: readonly string[]): void {
  outbound = startOutbound(outboundOptions(bed, control, {}));
  inbound = startInbound(
    inboundOptions(bed, control, gateway, () => policy, {
      gateway: { suffixes, open: outbound.beyond },
      tracing,
    }),
  );
  afar = relayFromAfar(inbound.address);
}

/** A connection as another cluster's proxy makes it. */
async function connect(
  session: TransportHeader["session"],
  name = WEB,
  credentials = client,
): Promise<SocketChannel> {
  const peer = { id: gateway.name, kind: "dns", serverName: gateway.name };
  const channel = await dial(afar.address, {
    timeoutMs: 1_000,
    tcp: {},
    tls: {
      credentials,
      peer: { ...peer, kind: "dns" },
      transportHeader: true,
    },
  });
  clients.push(channel);
  writeTransportHeader(channel.out, { port: 80, name, session });
  channel.flush();
  return channel;
}

/** A request over HTTP/2, which is HTTP/1 in truth unless it says otherwise. */
async function get(
  path: string,
  fields: Readonly<Record<string, string>> = { "l5d-orig-proto": "HTTP/1.1" },
  ...to: [name?: string, credentials?: typeof client]
): Promise<RecordedResponse> {
  const channel = await connect("http2", ...to);
  const events = { ready() {}, retiring() {}, closed() {} };
  const response = new RecordedResponse();
  connectHttp2(channel, {}, events).request(
    requestHead("GET", path, { authority: "elsewhere", ...fields }, "2"),
    true,
    response,
  );
  return response;
}

/** Says what is behind the name, once it is asked for. */
async function know(
  make: (backend: Backend) => ClientPolicy = detectPolicy,
): Promise<void> {
  while (!control.profiles.open.includes(TARGET)) await turn();
  control.clientPolicies.next(
    TARGET,
    make(backendAt(THIS_HOST, app.address.port)),
  );
  control.profiles.next(TARGET, {
    fullyQualifiedName: WEB,
    opaque: false,
    endpoint: null,
    routing: null,
  });
}

async function servedWith(text: string): Promise<Recorder> {
  for (;;) {
    const found = served.find((one) => one.text.includes(text));
    if (found !== undefined) return found;
    await turn();
  }
}

async function ended(response: RecordedResponse): Promise<void> {
  while (!response.ended && response.reset === null) await turn();
}

async function statusOf(response: RecordedResponse): Promise<number> {
  await ended(response);
  return response.status;
}

const errors = () => bed.lines("inbound_http_errors_total").join();

test("carries a request to what the header names, and says whose it is", async () => {
  const response = await get("/x", {
    "l5d-orig-proto": "HTTP/1.1",
    "l5d-client-id": "admin.shop",
    forwarded: "for=192.0.2.1",
  });
  await know();
  const far = await servedWith(`GET /x HTTP/1.1\r\nhost: ${TARGET}\r\n`);
  expect(far.text).toContain("l5d-client-id: api.shop\r\n");
  expect(far.text).not.toContain("admin.shop");
  expect(far.text).toContain(
    `forwarded: for=192.0.2.1\r\nl5d-client-id: api.shop\r\nforwarded: by=gateway.mesh;for=api.shop;host=${TARGET};proto=https\r\n`,
  );
  far.send(OK);
  expect(await statusOf(response)).toBe(200);
  expect(response.body).toBe("ok");
  expect(response.fields).toContain("l5d-orig-proto: HTTP/1.1");
  expect(bed.lines("inbound_http_authz_allow_total")[0]).toEndWith(" 1");
  expect(bed.lines("request_total").filter((line) => line.endsWith(" 1")))
    .toEqual([expect.stringContaining(`direction="outbound"`)]);
});

test("takes part in a trace on both sides", async () => {
  const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
  const parent = (id: string) => `00-${trace}-${id}-01`;
  const traceparent = parent("00f067aa0ba902b7");
  const response = await get("/x", {
    "l5d-orig-proto": "HTTP/1.1",
    traceparent,
  });
  await know();
  (await servedWith(`traceparent: ${parent(nthId(2))}\r\n`)).send(OK);
  expect(await statusOf(response)).toBe(200);
  while (tracing.spans.length < 2) await turn();
  const hops = tracing.spans.map(({ kind, attributes }) =>
    `${new Map(attributes).get("direction")} ${kind}`
  );
  expect(hops.toSorted()).toEqual(["inbound server", "outbound client"]);
});

test("carries HTTP/1, one request after the other, and lets go of the name", async () => {
  const near = new Recorder(await connect("http1", `${WEB.toUpperCase()}.`));
  for (const path of ["/1", "/2"]) {
    near.send(`GET ${path} HTTP/1.1\r\nhost: elsewhere\r\n\r\n`);
    if (path === "/1") await know();
    (await servedWith(`GET ${path} HTTP/1.1\r\nhost: ${TARGET}\r\n`)).send(OK);
    await near.until(() => near.text.endsWith("ok"));
    near.take();
  }
  near.channel.destroy();
  while (control.profiles.open.length > 0) await turn();
});

test.each([["svc.cluster.local", "example.org"], ["", WEB]])(
  "a gateway to %p does not forward to %s",
  async (suffix, name) => {
    stop();
    start(suffix === "" ? [] : [suffix]);
    const response = await get("/", {}, name);
    expect(await statusOf(response)).toBe(404);
    expect(response.fields).toContain("l5d-proxy-error: bad gateway domain");
    const type = { "content-type": "application/grpc" };
    const called = await get("/", type, name);
    await ended(called);
    expect(called.fields).toContain("grpc-status: 5");
    const tunnel = new Recorder(await connect(null, name));
    await tunnel.until(() => tunnel.closed);
    expect([control.profiles.asked, control.clientPolicies.asked, served])
      .toEqual([[], [], []]);
    expect(errors()).toContain(`error="gateway domain invalid"`);
    expect(bed.lines("inbound_tcp_errors_total").join())
      .toContain(`error="gateway domain invalid"`);
  },
);

test("a name without a profile is nobody's", async () => {
  const response = await get("/");
  while (control.profiles.open.length === 0) await turn();
  control.profiles.refuse(TARGET);
  control.clientPolicies.next(
    TARGET,
    detectPolicy(backendAt(THIS_HOST, app.address.port)),
  );
  expect(await statusOf(response)).toBe(404);
  expect(served).toEqual([]);
});

test("websockets pass, and end when policy no longer permits them", async () => {
  const near = new Recorder(await connect("http1"));
  near.send(
    "GET /ws HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
  );
  await know();
  const far = await servedWith(`GET /ws HTTP/1.1\r\nhost: ${TARGET}\r\n`);
  expect(far.text).toContain("upgrade: websocket\r\n");
  far.send(
    "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
  );
  await near.until(() => near.text.startsWith("HTTP/1.1 101 "));
  near.send("ping");
  await far.until(() => far.text.endsWith("ping"));
  control.serverPolicies.next(inbound.address.port, DENIED);
  await near.until(() => near.closed);
});

test("gives up on a name of which nothing is heard", async () => {
  expect(await statusOf(await get("/"))).toBe(504);
  const tunnel = new Recorder(await connect(null));
  await tunnel.until(() => tunnel.closed);
});

test("recognises what it has forwarded before, and itself", async () => {
  const again = await get("/", {
    forwarded: `for=a, by=${gateway.name};for=b`,
  });
  expect(await statusOf(again)).toBe(508);
  expect(again.fields.join()).toContain("gateway loop detected");
  expect(await statusOf(await get("/", {}, WEB, gateway))).toBe(508);
  const tunnel = new Recorder(await connect(null, WEB, gateway));
  await tunnel.until(() => tunnel.closed);
  const called = await get("/", {
    forwarded: `by=${gateway.name}`,
    "content-type": "application/grpc",
  });
  await ended(called);
  expect(called.fields).toContain("grpc-status: 10");
  expect(control.profiles.asked).toEqual([]);
  expect(errors()).toContain(`error="gateway loop"`);
});

test("who may not call the gateway's own port learns nothing and causes nothing", async () => {
  policy = DENIED;
  for (const name of [WEB, "example.org"]) {
    expect(await statusOf(await get("/", {}, name))).toBe(403);
    const tunnel = new Recorder(await connect(null, name));
    await tunnel.until(() => tunnel.closed);
  }
  expect(control.profiles.asked).toEqual([]);
  expect(bed.lines("inbound_tcp_authz_deny_total")[0]).toEndWith(" 2");
});

test.each([null, "detect"] as const)("carries bytes (%p)", async (session) => {
  const tunnel = new Recorder(await connect(session));
  tunnel.send("question");
  await know(session === null ? opaquePolicy : detectPolicy);
  const far = await servedWith("question");
  far.send("answer");
  await tunnel.until(() => tunnel.text === "answer");
  control.serverPolicies.next(inbound.address.port, DENIED);
  await tunnel.until(() => tunnel.closed);
  await far.until(() => far.closed);
});
