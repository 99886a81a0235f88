import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { Endpoint } from "../schemas/destination.ts";
import { Problem } from "../schemas/problem.ts";
import type { Outcome } from "./balance/outcome.ts";
import { PeakEwma } from "./balance/peak-ewma.ts";
import { createOpener, createUpstream, type Upstream } from "./endpoint.ts";
import { ResponseHead } from "./http/message.ts";
import { upgradeRequest } from "./http/orig-proto.ts";
import { serveHttp2 } from "./http2/server.ts";
import { acceptDirect } from "./inbound/direct.ts";
import { type Listener, listenTcp, type SocketChannel } from "./socket.ts";
import { createEndpointBed, THIS_HOST } from "./testing/endpoint-bed.ts";
import { endpointAt } from "./testing/endpoints.ts";
import { requestHead, upgradeHead } from "./testing/http1.ts";
import { createPki } from "./testing/pki.ts";
import { RecordedRequest } from "./testing/recorded-exchange.ts";
import { Recorder, turn } from "./testing/recorder.ts";
import { TestLease } from "./testing/server-bed.ts";
import type { TransportHeader } from "./wire/transport-header.ts";

const pki = createPki();
const server = pki.issue("web.shop");
const client = pki.issue("api.shop");

let accepted: SocketChannel[];
let listener: Listener;
/** What the far proxy was told, if it was asked as one. */
let headers: TransportHeader[];
beforeEach(() => {
  accepted = [];
  headers = [];
});
afterEach(() => {
  listener.close();
  for (const channel of accepted) channel.destroy();
});

/** A server that is no proxy. */
function listen(): Endpoint {
  listener = listenTcp({ ip: THIS_HOST, port: 0 }, {}, (channel) => {
    accepted.push(channel);
  });
  return endpointAt(THIS_HOST, listener.address.port);
}

/** A meshed endpoint: its proxy listens, its application at port 8080 does not. */
function listenMeshed(
  hint: Endpoint["protocolHint"],
  then: (channel: SocketChannel) => void = () => {},
): Endpoint {
  listener = listenTcp({ ip: THIS_HOST, port: 0 }, {}, (channel) => {
    accepted.push(channel);
    acceptDirect(channel, server, 1_000, (outcome) => {
      if (outcome instanceof Problem) return;
      headers.push(outcome.header);
      then(channel);
    });
  });
  return {
    ...endpointAt(THIS_HOST, 8_080),
    identity: { id: "web.shop", kind: "dns", serverName: "web.shop" },
    protocolHint: hint,
    inboundPort: listener.address.port,
  };
}

async function codeOf(opening: Promise<unknown>): Promise<string> {
  try {
    await opening;
  } catch (error) {
    if (error instanceof Problem) return error.code;
  }
  return "none";
}

describe("createOpener()", () => {
  test("reaches an endpoint without identity in plaintext, and says why", async () => {
    const bed = createEndpointBed(client);
    const opener = createOpener(listen(), "web.shop:80", bed.context);
    const channel = await opener.open("http1");
    new Recorder(channel).send("GET");
    while (accepted.length === 0) await turn();
    const [far] = accepted;
    if (far === undefined) throw new Error("nothing accepted");
    const reader = new Recorder(far);
    await reader.until(() => reader.text === "GET");
    const [opened = ""] = bed.lines("tcp_open_total");
    expect(opened).toContain(`authority="web.shop:80"`);
    expect(opened).toContain(
      `no_tls_reason="not_provided_by_service_discovery"`,
    );
    channel.destroy();
    opener.close();
  });

  test.each(
    [
      ["none", "http1", "http1"],
      ["h2", "http2", "http2"],
      ["opaque", "http1", null],
      ["none", null, null],
      ["none", "detect", "detect"],
    ] as const,
  )(
    "tells the proxy of a %s endpoint about %p: %p",
    async (hint, session, told) => {
      const bed = createEndpointBed(client);
      const opener = createOpener(listenMeshed(hint), undefined, bed.context);
      const channel = await opener.open(session);
      while (headers.length === 0) await turn();
      expect(headers).toEqual([{ port: 8_080, name: "", session: told }]);
      expect(bed.lines("tcp_open_total")[0]).toContain(`server_id="web.shop"`);
      channel.destroy();
      opener.close();
    },
  );

  test.each([
    ["web.shop.svc.cluster.local:80", 80],
    ["web.shop.svc.cluster.local", null],
  ])("asks a gateway for %s", async (authorityOverride, port) => {
    const bed = createEndpointBed(client);
    const { inboundPort, ...proxied } = listenMeshed("none");
    const address = { ip: THIS_HOST, port: inboundPort ?? 0 };
    const name = "web.shop.svc.cluster.local";
    const given = [
      // As of a mirrored Service, and as of a pod.
      { ...proxied, address, inboundPort: null, authorityOverride },
      { ...proxied, inboundPort, authorityOverride },
    ];
    for (const endpoint of given) {
      const opener = createOpener(endpoint, undefined, bed.context);
      const channel = await opener.open("http1");
      while (headers.length === 0) await turn();
      const asked = port ?? endpoint.address.port;
      expect(headers.pop()).toEqual({ port: asked, name, session: "http1" });
      channel.destroy();
      opener.close();
    }
  });

  test("does not ask a gateway for what is no authority", async () => {
    const bed = createEndpointBed(client);
    const endpoint = { ...listenMeshed("none"), authorityOverride: "a:b" };
    const opener = createOpener(endpoint, undefined, bed.context);
    expect(await codeOf(opener.open(null))).toBe("protocol.invalid");
    expect(accepted).toEqual([]);
    opener.close();
  });

  test("reaches its own pod in plaintext, at the application's port", async () => {
    const bed = createEndpointBed(client, [THIS_HOST]);
    const endpoint = {
      ...listen(),
      identity: { id: "x", kind: "dns", serverName: "x" },
      inboundPort: 1,
    } as const;
    const opener = createOpener(endpoint, undefined, bed.context);
    expect(opener.local).toBeTrue();
    const channel = await opener.open("http1");
    expect(bed.lines("tcp_open_total")[0])
      .toContain(`no_tls_reason="loopback"`);
    channel.destroy();
    opener.close();
  });

  test("refuses loopback addresses, and identities before it has one", async () => {
    const meshed = listenMeshed("none");
    const { context } = createEndpointBed(null);
    const to = (endpoint: Endpoint) =>
      codeOf(createOpener(endpoint, undefined, context).open(null));
    expect(await to(endpointAt("127.0.0.1"))).toBe("connect.failed");
    expect(await to(endpointAt("127.9.9.9"))).toBe("connect.failed");
    expect(await to(endpointAt("::1"))).toBe("connect.failed");
    expect(await to(meshed)).toBe("identity.unavailable");
  });

  test("keeps counting a connection that outlives its endpoint", async () => {
    const bed = createEndpointBed(client);
    const opener = createOpener(listen(), undefined, bed.context);
    const channel = await opener.open(null);
    new Recorder(channel);
    opener.close();
    expect(bed.kept("tcp_open_connections")[0]).toEndWith(" 1");
    channel.destroy();
    while (!channel.closed) await turn();
    expect(bed.lines("tcp_open_connections")[0]).toEndWith(" 0");
  });

  test("gives its series back also when nobody answers", async () => {
    const endpoint = listen();
    listener.close();
    const bed = createEndpointBed(client);
    const opener = createOpener(endpoint, undefined, bed.context);
    expect(await codeOf(opener.open(null))).toBe("connect.failed");
    opener.close();
    expect(bed.kept("tcp_")).toEqual([]);
  });
});

describe("createUpstream()", () => {
  function open(endpoint: Endpoint, changed: () => void = () => {}): Upstream {
    const load = new PeakEwma(30, 10_000, 0);
    const { context } = createEndpointBed(client);
    return createUpstream(endpoint, undefined, load, context, changed);
  }

  test("of plain HTTP/1 is always ready, and dials when asked", async () => {
    const upstream = open(listen());
    expect(upstream.ready).toBeTrue();
    const lease = new TestLease();
    upstream.acquire(requestHead("GET", "/"), false, lease);
    while (lease.calls === 0) await turn();
    expect(lease.problem).toBeNull();
    upstream.close();
  });

  test("of a proxy is ready when it is connected, and takes HTTP/1 as HTTP/2", async () => {
    const requests: RecordedRequest[] = [];
    let changes = 0;
    const endpoint = listenMeshed("h2", (channel) =>
      void serveHttp2(
        channel,
        {},
        (exchange) => void requests.push(new RecordedRequest(exchange)),
      ));
    const upstream = open(endpoint, () => changes++);
    expect(upstream.ready).toBeFalse();
    while (!upstream.ready) await turn();
    expect(changes).toBe(1);
    const head = requestHead("GET", "/", { host: "a" });
    expect(upstream.upgrades(head)).toBeTrue();
    upgradeRequest(head);
    const lease = new TestLease(head);
    upstream.acquire(head, false, lease);
    while (requests.length === 0) await turn();
    expect(requests[0]?.exchange.head.version).toBe("2");
    expect(headers.map(({ session }) => session)).toEqual(["http2"]);
    upstream.close();
  });

  test("of a proxy takes an upgrade, or what was not marked, as HTTP/1", async () => {
    const upstream = open(listenMeshed("h2"));
    expect(upstream.upgrades(upgradeHead())).toBeFalse();
    upstream.acquire(upgradeHead(), false, new TestLease(upgradeHead()));
    while (headers.length < 2) await turn();
    expect(headers.map(({ session }) => session).sort())
      .toEqual(["http1", "http2"]);
    upstream.close();
  });

  test("tests a silent connection as its endpoint asks, and leaves a dead one", async () => {
    let changes = 0;
    const silent = listenMeshed("h2", (channel) => {
      // Settings once, then nothing: no answer to any PING.
      channel.attach({ data() {}, end() {}, drain() {}, close() {} });
      channel.write(Uint8Array.of(0, 0, 0, 4, 0, 0, 0, 0, 0));
    });
    const http2 = {
      keepAliveIntervalMs: 20,
      keepAliveTimeoutMs: 20,
      keepAliveWhileIdle: true,
    };
    const upstream = open({ ...silent, http2 }, () => changes++);
    while (changes < 2) await turn();
    expect(upstream.ready).toBeFalse();
    upstream.close();
  });

  test("tells its breaker of requests and how they went, and counts what failing costs", () => {
    const told: string[] = [];
    const breaker = {
      admits: true,
      ejected: false,
      sent: () => void told.push("sent"),
      answered: ({ status }: Outcome) => void told.push(`${status}`),
      close: () => void told.push("closed"),
    };
    const penalty = { penaltyMs: 5_000, maxRetryAfterMs: 300_000 };
    const load = new PeakEwma(30, 10_000, performance.now(), penalty);
    const { context } = createEndpointBed(client);
    const upstream = createUpstream(
      listen(),
      undefined,
      load,
      context,
      () => {},
      breaker,
    );
    upstream.acquire(requestHead("GET", "/"), false, new TestLease());
    const outcome = (status: number): Outcome => ({
      grpc: false,
      dispatchedMs: 0,
      status,
      grpcStatus: null,
      failure: null,
      head: new ResponseHead("1.1", status, []),
    });
    expect(upstream.outcome(outcome(200))).toBeFalse();
    expect(upstream.outcome(outcome(503))).toBeTrue();
    expect(load.cost(performance.now())).toBeGreaterThan(4_000);
    upstream.close();
    // Closing the breaker is the balancer's affair.
    expect(told).toEqual(["sent", "200", "503"]);
  });

  test("closed, refuses what it would have to connect for", async () => {
    const upstream = open(listenMeshed("h2"));
    upstream.close();
    const lease = new TestLease();
    upstream.acquire(requestHead("GET", "/", {}, "2"), false, lease);
    expect(lease.problem?.code).toBe("connect.failed");
    while (accepted.some(({ closed }) => !closed)) await turn();
  });
});
