import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { SocketAddress } from "../schemas/address.ts";
import type { Backend, ClientPolicy } from "../schemas/client-policy.ts";
import { dial } from "./connect.ts";
import { createDrain, type Drain } from "./drain.ts";
import { startOutbound } from "./outbound.ts";
import { type Listener, listenTcp, type SocketChannel } from "./socket.ts";
import { createEndpointBed, THIS_HOST } from "./testing/endpoint-bed.ts";
import { FakeControl } from "./testing/fake-control.ts";
import { endpointAt } from "./testing/endpoints.ts";
import {
  backendAt,
  detectPolicy,
  httpPolicy,
  opaquePolicy,
} from "./testing/policies.ts";
import { Recorder, turn } from "./testing/recorder.ts";
import { outboundOptions } from "./testing/sides.ts";

const GET = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

let server: Listener;
/** Connections that the server has accepted. */
let served: Recorder[];
let control: FakeControl;
let drain: Drain;
let outbound: ReturnType<typeof startOutbound>;
let bed: ReturnType<typeof createEndpointBed>;
/** Where the proxy listens; without redirection that is where it takes clients to have dialled. */
let address: SocketAddress;
let clients: SocketChannel[];

beforeEach(() => {
  served = [];
  clients = [];
  server = listenTcp(
    { ip: THIS_HOST, port: 0 },
    {},
    (channel) => void served.push(new Recorder(channel)),
  );
  start(false);
});
afterEach(() => {
  outbound.close();
  server.close();
  for (const client of clients) client.destroy();
  for (const { channel } of served) channel.destroy();
});

function start(ingress: boolean): void {
  control = new FakeControl();
  drain = createDrain();
  bed = createEndpointBed(null);
  outbound = startOutbound(
    outboundOptions(bed, control, {
      listen: [{ ip: "127.0.0.1", port: 0 }],
      drain,
      ingress,
    }),
  );
  const [listening] = outbound.addresses;
  if (listening === undefined) throw new Error("does not listen");
  address = listening;
}

async function connect(): Promise<Recorder> {
  const options = { timeoutMs: 1_000, tcp: {}, tls: null };
  const channel = await dial(address, options);
  clients.push(channel);
  return new Recorder(channel);
}

/** A policy that leads to the server. */
function toServer(make: (backend: Backend) => ClientPolicy): void {
  const { port } = server.address;
  control.clientPolicies.next(
    `${address.ip}:${address.port}`,
    make(backendAt(THIS_HOST, port)),
  );
}

async function asked(): Promise<void> {
  while (control.clientPolicies.open.length === 0) await turn();
}

/** The server's side of a client's connection, once it has `text`. */
async function servedWith(text: string): Promise<Recorder> {
  for (;;) {
    const found = served.find((one) => one.text.includes(text));
    if (found !== undefined) return found;
    await turn();
  }
}

describe("outbound", () => {
  test("holds a connection until policy is known, then carries what it sent", async () => {
    const client = await connect();
    client.send(GET);
    await asked();
    expect(served).toEqual([]);
    toServer(detectPolicy);
    (await servedWith("GET / HTTP/1.1")).send(OK);
    await client.until(() => client.text.endsWith("ok"));
    expect(bed.lines("request_total")[0]).toEndWith(" 1");
  });

  test("tunnels what is opaque, with half-close", async () => {
    const client = await connect();
    await asked();
    toServer(opaquePolicy);
    client.send("GET is no HTTP here");
    client.channel.end();
    const far = await servedWith("no HTTP here");
    await far.until(() => far.ended);
    far.send("answer");
    far.channel.end();
    await client.until(() => client.closed);
    expect(client.text).toBe("answer");
    expect(bed.lines("outbound_tcp_route_close_total")[0]).toEndWith(" 1");
  });

  test("passes on a question and its FIN that came before anything was known", async () => {
    const client = await connect();
    client.send("hello\n");
    client.channel.end();
    await asked();
    toServer(detectPolicy);
    const far = await servedWith("hello\n");
    await far.until(() => far.ended);
    far.send("bye");
    far.channel.end();
    await client.until(() => client.closed);
    expect(client.text).toBe("bye");
  });

  test("answers HTTP that nothing is known of, closes everything else", async () => {
    const http = await connect();
    http.send(GET);
    const bytes = await connect();
    bytes.send("*1\r\n$4\r\nPING\r\n");
    await http.until(() => http.ended);
    expect(http.text).toStartWith("HTTP/1.1 504 Gateway Timeout");
    expect(http.text).toContain(
      `l5d-proxy-error: nothing is known of ${address.ip}:${address.port}`,
    );
    await bytes.until(() => bytes.closed);
    expect(bytes.text).toBe("");
    http.channel.end();
  });

  test("closes a connection whose server is not there, and counts why", async () => {
    server.close();
    const client = await connect();
    client.send("*1\r\n$4\r\nPING\r\n");
    await asked();
    toServer(opaquePolicy);
    await client.until(() => client.closed);
    expect(bed.lines("outbound_tcp_errors_total")[0])
      .toContain(`error="i/o"`);
  });

  test("forgets the target, and all series of it, when nobody uses it", async () => {
    const client = await connect();
    client.send(GET);
    await asked();
    toServer(detectPolicy);
    (await servedWith("GET")).send(OK);
    await client.until(() => client.text.endsWith("ok"));
    client.channel.end();
    while (control.clientPolicies.open.length > 0) await turn();
    while (!served.every(({ ended }) => ended)) await turn();
    for (const { channel } of served) channel.end();
    while (!served.every(({ closed }) => closed)) await turn();
    await turn();
    const held = bed.kept("").filter((line) =>
      /^(request|response|tcp_open|outbound_http_(route|balancer))/.test(line)
    );
    expect(held).toEqual([]);
  });
});

describe("outbound, in ingress mode", () => {
  beforeEach(() => {
    outbound.close();
    start(true);
  });

  const named = (name: string) =>
    `GET / HTTP/1.1\r\nhost: a\r\nl5d-dst-override: ${name}\r\n\r\n`;

  /** A connection whose own target is known. */
  async function open(): Promise<Recorder> {
    const client = await connect();
    await asked();
    toServer(detectPolicy);
    return client;
  }

  async function askedFor(name: string): Promise<void> {
    while (!control.clientPolicies.open.includes(name)) await turn();
  }

  async function head(client: Recorder): Promise<string> {
    await client.until(() => client.text.includes("\r\n\r\n"));
    return client.take();
  }

  test("a request goes where it says, and others on its connection elsewhere", async () => {
    const client = await open();
    client.send(named("web.shop"));
    await askedFor("web.shop:80");
    expect([served, control.profiles.open]).toEqual([[], ["web.shop:80"]]);
    const backend = backendAt(THIS_HOST, server.address.port);
    control.profiles.refuse("web.shop:80");
    control.clientPolicies.next("web.shop:80", detectPolicy(backend));
    const far = await servedWith("GET / HTTP/1.1");
    expect(far.text).not.toContain("l5d-dst-override");
    far.send(OK);
    await client.until(() => client.text.endsWith("ok"));
    client.take();
    client.send(GET.replace("/", "/dialled"));
    (await servedWith("GET /dialled")).send(OK);
    await client.until(() => client.text.endsWith("ok"));
    client.take();
    expect(
      bed.lines("request_total").map((line) =>
        /no_tls_reason="(.*?)"/.exec(line)?.[1]
      ).sort(),
    ).toEqual([
      "ingress-without-override",
      "not_provided_by_service_discovery",
    ]);
    const [taken = ""] = bed.lines("outbound_tcp_protocol_connections_total{");
    expect(taken).toContain(`protocol="detect"`);
    expect(taken).toContain(`parent_kind="default"`);
    expect(taken).toContain(`parent_name="ingress"`);
    client.send(named("API.shop:8080"));
    await askedFor("api.shop:8080");
    control.profiles.refuse("api.shop:8080");
    control.clientPolicies.next("api.shop:8080", httpPolicy());
    expect(await head(client)).toStartWith("HTTP/1.1 404 ");
    client.channel.end();
    while (control.clientPolicies.open.length > 0) await turn();
  });

  test("a name that nobody knows is nobody's, one that is none is refused", async () => {
    const client = await open();
    client.send(named("no.where:9"));
    await askedFor("no.where:9");
    control.clientPolicies.refuse("no.where:9");
    control.profiles.refuse("no.where:9");
    expect(await head(client)).toStartWith("HTTP/1.1 500 ");
    client.send(named("http://a/"));
    expect(await head(client)).toContain("l5d-dst-override is not a valid");
  });

  test("a name without policy is its endpoints, when it has a profile", async () => {
    const client = await open();
    client.send(named("web.shop"));
    await askedFor("web.shop:80");
    control.profiles.next("web.shop:80", {
      fullyQualifiedName: "web.shop.svc.cluster.local",
      opaque: false,
      endpoint: null,
      routing: null,
    });
    control.clientPolicies.refuse("web.shop:80");
    while (control.endpoints.open.length === 0) await turn();
    expect(control.endpoints.open).toEqual(["web.shop:80"]);
    const there = endpointAt(THIS_HOST, server.address.port);
    control.endpoints.next("web.shop:80", new Map([["one", there]]));
    (await servedWith("GET / HTTP/1.1")).send(OK);
    await client.until(() => client.text.endsWith("ok"));
  });

  test("a name of which nothing is heard is answered in time", async () => {
    const client = await open();
    client.send(named("web.shop"));
    expect(await head(client)).toStartWith("HTTP/1.1 504 ");
  });

  test("what is no HTTP goes where it was dialled to", async () => {
    const client = await open();
    client.send("\0no protocol\n");
    (await servedWith("no protocol")).send("answer");
    await client.until(() => client.text === "answer");
  });
});

describe("outbound, draining", () => {
  test("closes what is idle at once and waits for what is under way", async () => {
    const idle = await connect();
    idle.send(GET);
    await asked();
    toServer(detectPolicy);
    (await servedWith("GET / ")).send(OK);
    await idle.until(() => idle.text.endsWith("ok"));
    const busy = await connect();
    busy.send(GET.replace("/", "/slow"));
    const slow = await servedWith("GET /slow");
    let done = false;
    const drained = drain.begin().then(() => done = true);
    await idle.until(() => idle.ended);
    idle.channel.end();
    expect(done).toBeFalse();
    slow.send(OK);
    await busy.until(() => busy.ended);
    expect(busy.text).toContain("connection: close");
    expect(busy.text).toEndWith("ok");
    busy.channel.end();
    await drained;
  });

  test("waits for tunnels, each of them", async () => {
    const tunnels = [await connect(), await connect()];
    await asked();
    toServer(opaquePolicy);
    for (const [at, tunnel] of tunnels.entries()) tunnel.send(`tunnel ${at}`);
    const ends = [await servedWith("tunnel 0"), await servedWith("tunnel 1")];
    let done = false;
    const drained = drain.begin().then(() => done = true);
    tunnels[0]?.channel.end();
    ends[0]?.channel.end();
    await ends[0]?.until(() => ends[0]?.closed ?? true);
    tunnels[1]?.send(" goes on");
    await servedWith("tunnel 1 goes on");
    expect(done).toBeFalse();
    tunnels[1]?.channel.end();
    ends[1]?.channel.end();
    await drained;
  });

  test("serves a request that came before it was known where to", async () => {
    const client = await connect();
    client.send(GET);
    await asked();
    const drained = drain.begin();
    toServer(detectPolicy);
    (await servedWith("GET")).send(OK);
    await client.until(() => client.ended);
    expect(client.text).toEndWith("ok");
    client.channel.end();
    await drained;
  });
});
