import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { Endpoint } from "../schemas/destination.ts";
import type { Outcome } from "./balance/outcome.ts";
import { PeakEwma } from "./balance/peak-ewma.ts";
import { createUpstream, type Upstream } from "./endpoint.ts";
import { ResponseHead } from "./http/message.ts";
import { upgradeRequest } from "./http/orig-proto.ts";
import { serveHttp2 } from "./http2/server.ts";
import { createEndpointBed } from "./testing/endpoint-bed.ts";
import { requestHead, upgradeHead } from "./testing/http1.ts";
import { FarSide } from "./testing/far-side.ts";
import { createPki } from "./testing/pki.ts";
import { RecordedRequest } from "./testing/recorded-exchange.ts";
import { turn } from "./testing/recorder.ts";
import { TestLease } from "./testing/server-bed.ts";

const pki = createPki();
const server = pki.issue("web.shop");
const client = pki.issue("api.shop");

let far: FarSide;
beforeEach(() => {
  far = new FarSide();
});
afterEach(() => far.close());

describe("createUpstream()", () => {
  function open(endpoint: Endpoint, changed: () => void = () => {}): Upstream {
    const load = new PeakEwma(30, 10_000, 0);
    const { context } = createEndpointBed(client);
    return createUpstream(endpoint, undefined, load, context, changed);
  }

  test("of plain HTTP/1 is always ready, and dials when asked", async () => {
    const upstream = open(far.listen());
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
    const endpoint = far.listenMeshed(
      server,
      "h2",
      (channel) =>
        void serveHttp2(
          channel,
          {},
          (exchange) => void requests.push(new RecordedRequest(exchange)),
        ),
    );
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
    expect(far.headers.map(({ session }) => session)).toEqual(["http2"]);
    upstream.close();
  });

  test("of a proxy takes an upgrade, or what was not marked, as HTTP/1", async () => {
    const upstream = open(far.listenMeshed(server, "h2"));
    expect(upstream.upgrades(upgradeHead())).toBeFalse();
    upstream.acquire(upgradeHead(), false, new TestLease(upgradeHead()));
    while (far.headers.length < 2) await turn();
    expect(far.headers.map(({ session }) => session).sort())
      .toEqual(["http1", "http2"]);
    upstream.close();
  });

  test("tests a silent connection as its endpoint asks, and leaves a dead one", async () => {
    let changes = 0;
    const silent = far.listenMeshed(server, "h2", (channel) => {
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
      far.listen(),
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
    const upstream = open(far.listenMeshed(server, "h2"));
    upstream.close();
    const lease = new TestLease();
    upstream.acquire(requestHead("GET", "/", {}, "2"), false, lease);
    expect(lease.problem?.code).toBe("connect.failed");
    while (far.accepted.some(({ closed }) => !closed)) await turn();
  });
});
