import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import {
  createGrpcTransport,
  Http2SessionManager,
} from "@connectrpc/connect-node";
import { afterEach, describe, expect, test } from "bun:test";
import { once } from "node:events";
import { createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { connect } from "node:tls";
import { dial } from "../proxy/connect.ts";
import { Field } from "../proxy/http/field.ts";
import { NO_TRAILERS } from "../proxy/http/message.ts";
import { connectHttp2 } from "../proxy/http2/client.ts";
import { startTap } from "../proxy/tap.ts";
import { MAX_TAPS, Taps } from "../proxy/tap/taps.ts";
import { ForwardBed, openHttp1 } from "../proxy/testing/forward-bed.ts";
import { requestHead } from "../proxy/testing/http1.ts";
import { createTestLog } from "../proxy/testing/log.ts";
import { createPki } from "../proxy/testing/pki.ts";
import { RecordedResponse } from "../proxy/testing/recorded-exchange.ts";
import { turn } from "../proxy/testing/recorder.ts";
import type { Credentials } from "../proxy/tls.ts";
import {
  ObserveRequestSchema,
  Tap,
  type TapEvent,
} from "../schemas/proto/gen/tap_pb.ts";
import { createRandom } from "./testing/random-message.ts";
import { formatEvent } from "./testing/tapped.ts";

const pki = createPki();
const server = pki.issue("web.shop.serviceaccount.identity.linkerd.test");
const metrics = pki.issue(
  "linkerd-metrics.linkerd.serviceaccount.identity.linkerd.test",
);
const other = pki.issue("api.shop.serviceaccount.identity.linkerd.test");
const foreign = createPki("elsewhere").issue(metrics.name);

/** An address of this machine that is not loopback. */
const OUTSIDE = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ family, internal }) => family === "IPv4" && !internal)?.address;

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A proxy's tap server, and requests to be seen. */
function start() {
  const taps = new Taps();
  const lost: number[] = [];
  const { log, lines } = createTestLog();
  const tap = startTap({
    address: { ip: "0.0.0.0", port: 0 },
    accept: {},
    name: server.name,
    credentials: () => server,
    http2: {},
    client: metrics.name,
    taps,
    dropped: (events) => void lost.push(events),
    log,
  });
  closing.push(() => tap.close());
  const bed = new ForwardBed();
  bed.sight = {
    taps,
    direction: "inbound",
    source: { ip: "10.0.0.7", port: 4_000 },
    tls: { kind: "accepted", clientId: other.name },
  };
  const endpoint = bed.add("app");
  const http = openHttp1(bed);
  return {
    tap,
    taps,
    lost,
    lines,
    async request() {
      http.send("GET /a HTTP/1.1\r\nhost: web\r\n\r\n");
      while (endpoint.asked.length === 0) await turn();
      endpoint.give()?.answerHead(204, [], true);
    },
  };
}

/** A generic gRPC client, made from Linkerd's schema. */
function clientOf(port: number, ip = "127.0.0.1") {
  const baseUrl = `http://${ip}:${port}`;
  const sessionManager = new Http2SessionManager(baseUrl);
  closing.push(() => sessionManager.abort());
  return createClient(Tap, createGrpcTransport({ baseUrl, sessionManager }));
}
type Client = ReturnType<typeof clientOf>;

/** The same from outside of the pod, behind TLS as proxies speak it: without ALPN, on which Node's HTTP/2 insists. */
async function securedAs(
  to: number,
  { anchors, chain, key }: Credentials,
): Promise<Client> {
  const relay = createServer((near) => {
    const far = connect({
      host: OUTSIDE,
      port: to,
      servername: server.name,
      ca: [anchors, server.anchors],
      cert: chain,
      key,
    });
    near.pipe(far).pipe(near);
    near.on("error", () => far.destroy());
    far.on("error", () => near.destroy());
    near.on("close", () => far.destroy());
    far.on("close", () => near.destroy());
  });
  relay.listen(0, "127.0.0.1");
  await once(relay, "listening");
  closing.push(() => relay.close());
  const address = relay.address();
  if (address === null || typeof address === "string") {
    throw new TypeError("not a port");
  }
  return clientOf(address.port);
}

/** A connection over which any bytes can be sent as a call; gives the status of the answer, and that of gRPC. */
async function openRaw(port: number) {
  const address = { ip: "127.0.0.1", port };
  const channel = await dial(address, { timeoutMs: 5_000, tcp: {}, tls: null });
  const ready = Promise.withResolvers<void>();
  const connection = connectHttp2(channel, {}, {
    ready: ready.resolve,
    retiring() {},
    closed: () => ready.resolve(),
  });
  closing.push(() => connection.destroy());
  if (!connection.ready) await ready.promise;
  return async (
    body: readonly number[],
    {
      type = "application/grpc",
      path = "/io.linkerd.proxy.tap.Tap/Observe",
    } = {},
  ) => {
    const head = requestHead("POST", path, { "content-type": type }, "2");
    head.scheme = Field.of(":scheme", "http");
    const response = new RecordedResponse();
    const stream = connection.request(head, false, response);
    stream.data(Uint8Array.from(body));
    stream.end(NO_TRAILERS);
    while (!response.ended && response.reset === null) await turn();
    const lines = [...response.fields, ...response.trailers];
    const found = lines.find((line) => line.startsWith("grpc-status: "));
    return [response.status, found?.slice("grpc-status: ".length) ?? null];
  };
}

type Request = MessageInitShape<typeof ObserveRequestSchema>;
const ALL: Request = {
  limit: 1,
  match: { match: { case: "all", value: {} } },
};

/** Begins to watch; `events` are all there were, once the proxy has ended it. */
async function observe(client: Client, request: Request = ALL) {
  const opened = Promise.withResolvers<void>();
  const stop = new AbortController();
  const stream = client.observe(request, {
    onHeader: () => opened.resolve(),
    signal: stop.signal,
  });
  const events = Array.fromAsync<TapEvent>(stream);
  events.catch(opened.reject);
  await opened.promise;
  return { events, stop: () => stop.abort() };
}

/** How a call ends that shows nothing. */
async function refusal(
  client: Client,
  request: Request = ALL,
): Promise<[code: string | undefined, message: string]> {
  try {
    await (await observe(client, request)).events;
  } catch (thrown) {
    const { code, rawMessage } = ConnectError.from(thrown);
    return [Code[code], rawMessage];
  }
  return ["OK", ""];
}

describe("the tap server", () => {
  test("shows requests to the identity that may tap", async () => {
    const { tap, request } = start();
    const { events } = await observe(await securedAs(tap.port, metrics));
    await request();
    await request();
    expect((await events).map(formatEvent)).toEqual([
      "0 requestInit web/a",
      "0 responseInit 204",
      "0 responseEnd 0",
    ]);
    const [first] = await events;
    expect(first?.sourceMeta?.labels).toEqual({
      tls: "true",
      client_id: other.name,
    });
  });

  test("refuses every other client that is not of its own pod", async () => {
    const { tap, taps, lines } = start();
    const unauthorized: [string, string] = [
      "Unauthenticated",
      "Unauthorized client",
    ];
    expect(await refusal(await securedAs(tap.port, other)))
      .toEqual(unauthorized);
    expect(await refusal(clientOf(tap.port, OUTSIDE))).toEqual(unauthorized);
    // A certificate of its own making proves no name.
    const [code] = await refusal(await securedAs(tap.port, foreign));
    expect(code).not.toBe("OK");
    expect(taps.wanting).toEqual([]);
    expect(lines.join("\n")).toContain(other.name);
  });

  test("shows requests to who is in its own pod", async () => {
    const { tap, request } = start();
    const { events } = await observe(clientOf(tap.port));
    await request();
    expect(await events).toHaveLength(3);
  });

  test("refuses what makes no sense, in words", async () => {
    const { tap, taps } = start();
    const client = clientOf(tap.port);
    const invalid = (message: string) => ["InvalidArgument", message];
    expect(await refusal(client, { ...ALL, limit: 0 }))
      .toEqual(invalid("limit must be positive") as [string, string]);
    expect(await refusal(client, { limit: 1 }))
      .toEqual(invalid("missing required field") as [string, string]);
    const value = "x".repeat(200_000);
    const long = { match: { case: "routeLabel", value: { key: "k", value } } };
    expect(await refusal(client, { limit: 1, match: long } as Request))
      .toEqual(["ResourceExhausted", "the request is too long"]);
    expect(taps.wanting).toEqual([]);
  });

  test("speaks gRPC over HTTP/2 alone, and no other method", async () => {
    const { tap } = start();
    const http1 = fetch(`http://127.0.0.1:${tap.port}/metrics`);
    expect(await http1.then(({ status }) => status, () => "closed"))
      .toBe("closed");
    const send = await openRaw(tap.port);
    expect(await send([], { type: "text/plain" })).toEqual([415, null]);
    const path = "/io.linkerd.proxy.tap.Tap/Other";
    expect(await send([], { path })).toEqual([200, "12"]);
  });

  test("answers whatever bytes it is sent, in words of gRPC", async () => {
    const { tap, taps } = start();
    const send = await openRaw(tap.port);
    const random = createRandom(4190);
    const garbage = Array.from({ length: 100 }, () => {
      const bytes = new Uint8Array(random() * 60).map(() => random() * 256);
      return [0, 0, 0, 0, bytes.length, ...bytes];
    });
    const compressed = [1, 0, 0, 0, 0];
    const endless = [0, 0xff, 0xff, 0xff, 0xff, 1, 2, 3];
    const half = [0, 0, 0, 0, 9, 8, 1];
    const two = [0, 0, 0, 0, 2, 8, 1, 0, 0, 0, 0, 2, 8, 1];
    const statuses = [];
    for (const body of [[], compressed, endless, half, two, ...garbage]) {
      statuses.push(await send(body));
    }
    expect(statuses.slice(0, 5))
      .toEqual(["3", "13", "8", "3", "3"].map((status) => [200, status]));
    expect(new Set(statuses.slice(5).map(String))).toEqual(new Set(["200,3"]));
    expect(taps.wanting).toEqual([]);
  });

  test("ends a tap at once when its client has gone", async () => {
    const { tap, taps } = start();
    const client = await securedAs(tap.port, metrics);
    const { events, stop } = await observe(client);
    expect(taps.wanting).toHaveLength(1);
    stop();
    await events.catch(() => {});
    while (taps.wanting.length > 0) await turn();
    const lost = await observe(await securedAs(tap.port, metrics));
    lost.events.catch(() => {});
    expect(taps.wanting).toHaveLength(1);
    // Its connection, which was opened last.
    await closing.pop()?.();
    while (taps.wanting.length > 0) await turn();
  });

  test("has room for so many taps", async () => {
    const { tap } = start();
    const client = clientOf(tap.port);
    const all: Awaited<ReturnType<typeof observe>>[] = [];
    while (all.length < MAX_TAPS) all.push(await observe(client));
    expect(await refusal(client))
      .toEqual(["ResourceExhausted", `there are ${MAX_TAPS} taps already`]);
    for (const { stop, events } of all) {
      stop();
      await events.catch(() => {});
    }
  });

  test("drops events that a slow client does not read, and holds no more for it", async () => {
    const { tap, lost, request } = start();
    const client = clientOf(tap.port);
    const stop = new AbortController();
    const opened = Promise.withResolvers<void>();
    const stream = client.observe({ ...ALL, limit: 20_000 }, {
      onHeader: () => opened.resolve(),
      signal: stop.signal,
    })[Symbol.asyncIterator]();
    const first = stream.next();
    first.catch(opened.reject);
    await opened.promise;
    for (let round = 0; round < 3_000; round++) await request();
    await first;
    stop.abort();
    await stream.next().catch(() => {});
    while (lost.length === 0) await turn();
    // What did not wait here did so in windows of HTTP/2 and in buffers of the system.
    expect(lost[0]).toBeGreaterThan(100);
  });

  test("ends its taps when the proxy does", async () => {
    const { tap } = start();
    const { events } = await observe(clientOf(tap.port));
    const ended = events.then(
      () => "OK",
      (thrown: unknown) => Code[ConnectError.from(thrown).code],
    );
    await tap.close();
    expect(await ended).toBe("Unavailable");
  });
});
