import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { ServerPolicy } from "../schemas/policy.ts";
import { dial } from "./connect.ts";
import { createDrain, type Drain } from "./drain.ts";
import { connectHttp2 } from "./http2/client.ts";
import { startInbound } from "./inbound.ts";
import { type Listener, listenTcp, type SocketChannel } from "./socket.ts";
import { createEndpointBed } from "./testing/endpoint-bed.ts";
import { FakeControl } from "./testing/fake-control.ts";
import { requestHead } from "./testing/http1.ts";
import { createTestLog } from "./testing/log.ts";
import { createPki } from "./testing/pki.ts";
import { authorization, serverPolicy } from "./testing/policies.ts";
import { RecordedResponse } from "./testing/recorded-exchange.ts";
import { Recorder, turn } from "./testing/recorder.ts";
import { relayFromAfar } from "./testing/relayed.ts";
import { inboundOptions } from "./testing/sides.ts";
import {
  type TransportHeader,
  writeTransportHeader,
} from "./wire/transport-header.ts";

const pki = createPki();
const server = pki.issue("web.shop");
const client = pki.issue("api.shop");

const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const NAMED = {
  kind: "identities",
  identities: new Set(["api.shop"]),
  suffixes: [],
} as const;
const ALLOWED = serverPolicy([authorization(["0.0.0.0/0"], NAMED)]);
const DENIED = serverPolicy([authorization(["10.0.0.0/8"])]);

let app: Listener;
/** Connections that the application has accepted. */
let served: Recorder[];
let control: FakeControl;
let drain: Drain;
let inbound: Listener;
let afar: ReturnType<typeof relayFromAfar>;
let bed: ReturnType<typeof createEndpointBed>;
let log: ReturnType<typeof createTestLog>;
let clients: SocketChannel[];
/** None: every address is the pod's. */
let ownIps: Set<string>;
/** The policy of ports of which the control plane has said nothing. */
let fallback: ServerPolicy;

beforeEach(() => {
  served = [];
  clients = [];
  fallback = ALLOWED;
  ownIps = new Set();
  app = listenTcp(
    { ip: "127.0.0.1", port: 0 },
    {},
    (channel) => void served.push(new Recorder(channel)),
  );
  control = new FakeControl();
  drain = createDrain();
  bed = createEndpointBed(server);
  log = createTestLog();
  inbound = startInbound(
    inboundOptions(bed, control, server, () => fallback, {
      ownIps,
      drain,
      log: log.log,
    }),
  );
  afar = relayFromAfar(inbound.address);
});
afterEach(() => {
  inbound.close();
  app.close();
  for (const channel of clients) channel.destroy();
  for (const { channel } of served) channel.destroy();
  afar.close();
});

/** A connection as another proxy makes it. */
async function connect(
  session: TransportHeader["session"],
  port = app.address.port,
): Promise<SocketChannel> {
  const channel = await dial(afar.address, {
    timeoutMs: 1_000,
    tcp: {},
    tls: {
      credentials: client,
      peer: { id: "web.shop", kind: "dns", serverName: "web.shop" },
      transportHeader: true,
    },
  });
  clients.push(channel);
  writeTransportHeader(channel.out, { port, name: "", session });
  channel.flush();
  return channel;
}

function publish(policy: ServerPolicy): void {
  control.serverPolicies.next(app.address.port, policy);
}

async function servedWith(text: string): Promise<Recorder> {
  for (;;) {
    const found = served.find((one) => one.text.includes(text));
    if (found !== undefined) return found;
    await turn();
  }
}

/** HTTP/2 as the other proxy speaks it. */
async function connectMesh() {
  const connection = connectHttp2(await connect("http2"), {}, {
    ready() {},
    retiring() {},
    closed() {},
  });
  const get = (path: string): RecordedResponse => {
    const response = new RecordedResponse();
    const head = requestHead("GET", path, {
      authority: "web",
      "l5d-orig-proto": "HTTP/1.1",
    }, "2");
    connection.request(head, true, response);
    return response;
  };
  return { connection, get };
}

async function ended(response: RecordedResponse): Promise<void> {
  while (!response.ended && response.reset === null) await turn();
}

describe("inbound", () => {
  test("carries upgraded requests as HTTP/1, and says who called", async () => {
    const { get } = await connectMesh();
    const response = get("/x");
    const far = await servedWith("GET /x HTTP/1.1\r\nhost: web\r\n");
    expect(far.text).toContain("l5d-client-id: api.shop\r\n");
    expect(far.text).not.toContain("l5d-orig-proto");
    far.send(OK);
    await ended(response);
    expect([response.status, response.body]).toEqual([200, "ok"]);
    expect(response.fields).toContain("l5d-orig-proto: HTTP/1.1");
    expect(bed.lines("request_total")[0]).toContain(`client_id="api.shop"`);
  });

  test("answers 403 when policy says no, also on an open connection", async () => {
    const { connection, get } = await connectMesh();
    const allowed = get("/before");
    (await servedWith("GET /before")).send(OK);
    await ended(allowed);
    publish(DENIED);
    const denied = get("/after");
    await ended(denied);
    expect(denied.status).toBe(403);
    expect(denied.fields.join()).toContain("l5d-proxy-error: unauthorized");
    expect(connection.closed).toBeFalse();
    publish(ALLOWED);
    const again = get("/again");
    (await servedWith("GET /again")).send(OK);
    await ended(again);
    expect(again.status).toBe(200);
    expect(bed.lines("inbound_http_authz_deny_total")[0]).toEndWith(" 1");
    expect(log.lines.join()).toContain("Request denied");
  });

  test("ends opaque bytes when the port is to take requests only", async () => {
    const tunnel = new Recorder(await connect(null));
    tunnel.send("question");
    await servedWith("question");
    publish(serverPolicy([authorization(["0.0.0.0/0"])], "http2"));
    await tunnel.until(() => tunnel.closed);
    expect(bed.lines("inbound_tcp_authz_terminate_total")[0]).toEndWith(" 1");
  });

  test("tells that the application is not there: 502", async () => {
    app.close();
    const { get } = await connectMesh();
    const response = get("/");
    await ended(response);
    expect(response.status).toBe(502);
    expect(bed.lines("inbound_http_errors_total")[0])
      .toContain(`error="i/o"`);
  });

  test("tunnels opaque bytes until policy takes its permission back", async () => {
    const tunnel = new Recorder(await connect(null));
    tunnel.send("question");
    const far = await servedWith("question");
    far.send("answer");
    await tunnel.until(() => tunnel.text === "answer");
    publish(serverPolicy([authorization(["127.0.0.0/8"])]));
    await turn();
    expect(tunnel.closed).toBeFalse();
    publish(DENIED);
    await tunnel.until(() => tunnel.closed);
    await far.until(() => far.closed);
    expect(bed.lines("inbound_tcp_authz_terminate_total")[0]).toEndWith(" 1");
    expect(bed.lines("inbound_tcp_authz_allow_total")[0]).toEndWith(" 1");
  });

  test("opens no tunnel that policy denies; the application sees nothing", async () => {
    fallback = DENIED;
    const tunnel = new Recorder(await connect(null));
    tunnel.send("question");
    await tunnel.until(() => tunnel.closed);
    expect(served).toEqual([]);
    expect(bed.lines("inbound_tcp_authz_deny_total")[0]).toEndWith(" 1");
  });

  test("shows its certificate to who forwards to its port on loopback, and nothing more", async () => {
    ownIps.add("192.0.2.1");
    const forwarded = new Recorder(await connect(null)); // the handshake is done: it has seen who we are
    forwarded.send("question");
    await forwarded.until(() => forwarded.closed);
    expect(served).toEqual([]);
    expect(log.lines.join()).toContain("not allowed on this IP address");
  });

  test("refuses its own port", async () => {
    const loop = new Recorder(await connect("http1", inbound.address.port));
    await loop.until(() => loop.closed);
    expect(log.lines.join()).toContain("must not target the proxy's own port");
  });
});

describe("inbound, draining", () => {
  test("says GOAWAY, finishes what is under way, and is done", async () => {
    const { connection, get } = await connectMesh();
    const slow = get("/slow");
    const far = await servedWith("GET /slow");
    let done = false;
    const drained = drain.begin().then(() => done = true);
    while (connection.ready) await turn();
    expect(done).toBeFalse();
    far.send(OK);
    await ended(slow);
    expect(slow.body).toBe("ok");
    await drained;
  });

  test("closes idle connections at once and waits for tunnels", async () => {
    const { connection, get } = await connectMesh();
    const response = get("/");
    (await servedWith("GET /")).send(OK);
    await ended(response);
    const tunnel = new Recorder(await connect(null));
    tunnel.send("question");
    const far = await servedWith("question");
    let done = false;
    const drained = drain.begin().then(() => done = true);
    while (!connection.closed) await turn();
    far.send("answer");
    await tunnel.until(() => tunnel.text === "answer");
    expect(done).toBeFalse();
    tunnel.channel.end();
    far.channel.end();
    await drained;
  });
});
