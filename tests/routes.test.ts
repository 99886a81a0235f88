import { connect as connectTls } from "node:tls";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { dial } from "../proxy/connect.ts";
import { createDrain } from "../proxy/drain.ts";
import { Field } from "../proxy/http/field.ts";
import { serveHttp1 } from "../proxy/http1/server.ts";
import { connectHttp2 } from "../proxy/http2/client.ts";
import { serveHttp2 } from "../proxy/http2/server.ts";
import { startOutbound } from "../proxy/outbound.ts";
import { createOutboundRecorder } from "../proxy/outbound/recorder.ts";
import { listenTcp, type SocketChannel } from "../proxy/socket.ts";
import { createEndpointBed, THIS_HOST } from "../proxy/testing/endpoint-bed.ts";
import { endpointAt } from "../proxy/testing/endpoints.ts";
import { FakeControl } from "../proxy/testing/fake-control.ts";
import { bytesOf, requestHead } from "../proxy/testing/http1.ts";
import { createTestLog } from "../proxy/testing/log.ts";
import {
  backendOf,
  httpPolicy,
  opaqueRoute,
  splitRoute,
  weighted,
} from "../proxy/testing/policies.ts";
import {
  RecordedRequest,
  RecordedResponse,
} from "../proxy/testing/recorded-exchange.ts";
import { Recorder, turn } from "../proxy/testing/recorder.ts";
import type {
  Backend,
  ClientPolicy,
  Retry,
  StatusRange,
} from "../schemas/client-policy.ts";

/** A server behind a name; the proxy finds it there. */
interface Server {
  readonly backend: Backend;
  readonly port: number;
  requests: number;
  /** Connections that have begun. */
  readonly connections: SocketChannel[];
  answer: (request: RecordedRequest) => void;
}

const META = { kind: "default", name: "test" } as const;

let control: FakeControl;
let outbound: ReturnType<typeof startOutbound>;
let bed: ReturnType<typeof createEndpointBed>;
let address: { ip: string; port: number };
let closing: (() => void)[];

beforeEach(() => {
  closing = [];
  control = new FakeControl();
  bed = createEndpointBed(null);
  const recorder = createOutboundRecorder(bed.context.families);
  const queue = { capacity: 1_000, failfastMs: 200 };
  outbound = startOutbound({
    listen: [{ ip: "127.0.0.1", port: 0 }],
    accept: {},
    detectTimeoutMs: 1_000,
    idleMs: 1_000,
    discover: { control, profileNetworks: [], detectTimeoutMs: 1_000 },
    control,
    endpoints: bed.context,
    httpQueue: queue,
    tcpQueue: queue,
    direction: {
      informational: true,
      inFlight: { count: 0, max: 10_000 },
      recorder,
    },
    http1: {},
    http2: {},
    recorder,
    drain: createDrain(),
    log: createTestLog().log,
    hostnameLabels: true,
    ingress: false,
  });
  const [listening] = outbound.addresses;
  if (listening === undefined) throw new Error("does not listen");
  address = listening;
});
afterEach(() => {
  outbound.close();
  for (const close of closing) close();
});

const OK = (request: RecordedRequest) => request.answer(200, "ok");

function serve(
  name: string,
  answer: Server["answer"] = OK,
  protocol: "http1" | "http2" | "bytes" = "http1",
): Server {
  const connections: SocketChannel[] = [];
  const listener = listenTcp({ ip: THIS_HOST, port: 0 }, {}, (channel) => {
    connections.push(channel);
    if (protocol === "bytes") return void channel.write(bytesOf(name));
    const page = protocol === "http1" ? serveHttp1 : serveHttp2;
    page(channel, {}, (exchange) => {
      server.requests += 1;
      server.answer(new RecordedRequest(exchange));
    });
  });
  const { port } = listener.address;
  const backend = backendOf(`${name}.shop.svc.cluster.local:80`);
  const server: Server = { backend, port, requests: 0, connections, answer };
  closing.push(() => {
    listener.close();
    for (const channel of connections) channel.destroy();
  });
  return server;
}

/** Lets the control plane say where servers are, as soon as the proxy asks. */
function discover(...servers: readonly Server[]): void {
  const timer = setInterval(() => {
    for (const { backend, port } of servers) {
      if (backend.kind !== "balancer") continue;
      const { asked } = control.endpoints;
      if (!asked.includes(backend.path) || told.has(backend.path)) continue;
      told.add(backend.path);
      const endpoint = endpointAt(THIS_HOST, port);
      control.endpoints.next(backend.path, new Map([["one", endpoint]]));
    }
  }, 1);
  const told = new Set<string>();
  closing.push(() => clearInterval(timer));
}

function decree(policy: ClientPolicy): void {
  control.clientPolicies.next(`${address.ip}:${address.port}`, policy);
}

/** Gives the first policy when the proxy asks for it. */
async function decreeFirst(policy: ClientPolicy): Promise<void> {
  while (control.clientPolicies.open.length === 0) await turn();
  decree(policy);
}

const url = () => `http://127.0.0.1:${address.port}/`;

/** The status of each of so many requests, some at once; the first ones wait for `policy`. */
async function load(
  requests: number,
  policy: ClientPolicy | null,
  init: () => RequestInit = () => ({}),
  atOnce = 20,
): Promise<number[]> {
  const statuses: number[] = [];
  let left = requests;
  const client = async () => {
    while (left-- > 0) {
      const response = await fetch(url(), init());
      await response.arrayBuffer();
      statuses.push(response.status);
    }
  };
  const clients = Array.from({ length: atOnce }, client);
  if (policy !== null) await decreeFirst(policy);
  await Promise.all(clients);
  return statuses;
}

const tally = (statuses: readonly number[]) =>
  Object.fromEntries(
    Map.groupBy(statuses, (status) => `${status}`).entries().map((
      [status, all],
    ) => [status, all.length]),
  );

/** The sum of a metric's values whose labels hold `part`. */
function total(metric: string, part = ""): number {
  return bed.lines(`${metric}{`).filter((line) => line.includes(part))
    .reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

function split(
  one: Server,
  first: number,
  two: Server,
  second: number,
): ClientPolicy {
  return httpPolicy(
    splitRoute(weighted([one.backend, first], [two.backend, second])),
  );
}

function retry(
  over: Partial<Retry<readonly StatusRange[]>> = {},
): Retry<readonly StatusRange[]> {
  return {
    limit: 1,
    maxBodyBytes: 64 * 1024,
    conditions: [{ start: 500, end: 599 }],
    timeoutMs: null,
    backOff: { minMs: 1, maxMs: 2, jitter: 1 },
    ...over,
  };
}

describe("a split", () => {
  test(
    "of 90 to 10 is one, within what chance allows, and metrics tell it",
    async () => {
      const [one, two] = [serve("one"), serve("two")];
      discover(one, two);
      const statuses = await load(10_000, split(one, 90, two, 10));
      expect(tally(statuses)).toEqual({ 200: 10_000 });
      // 99.99 % of a binomial distribution with p = 0.1: 3.89 times its deviation of 30.
      expect(Math.abs(two.requests - 1_000)).toBeLessThan(117);
      const sent = "outbound_http_route_backend_requests_total";
      expect([total(sent, `backend_name="one"`), total(sent, `"two"`)])
        .toEqual([one.requests, two.requests]);
      const responses = "outbound_http_route_backend_response_statuses_total";
      expect(total(responses, `http_status="200"`)).toBe(10_000);
    },
    60_000,
  );

  test("follows new weights at the next request, and none fails", async () => {
    const [one, two] = [serve("one"), serve("two")];
    discover(one, two);
    const underLoad = load(4_000, split(one, 1, two, 0));
    while (one.requests < 1_000) await turn();
    expect(two.requests).toBe(0);
    decree(split(one, 0, two, 1));
    // Those that had been sent when the policy came.
    const sent = one.requests + 20;
    expect(tally(await underLoad)).toEqual({ 200: 4_000 });
    expect(one.requests).toBeLessThanOrEqual(sent);
    expect(one.requests + two.requests).toBe(4_000);
  }, 60_000);

  test("keeps connections over updates", async () => {
    const [one, two] = [serve("one"), serve("two")];
    discover(one, two);
    // No more than the proxy keeps for each.
    const underLoad = load(2_000, split(one, 1, two, 1), undefined, 8);
    for (let weight = 1; weight < 20; weight++) {
      const until = one.requests + two.requests + 50;
      while (one.requests + two.requests < until) await turn();
      decree(split(one, weight, two, 20 - weight));
    }
    expect(tally(await underLoad)).toEqual({ 200: 2_000 });
    expect(one.connections.length + two.connections.length)
      .toBeLessThanOrEqual(16);
  }, 60_000);

  test("answers 500 where all weights are 0, and says whose", async () => {
    const [one, two] = [serve("one"), serve("two")];
    discover(one, two);
    const statuses = await load(40, split(one, 0, two, 0));
    expect(tally(statuses)).toEqual({ 500: 40 });
    const response = await fetch(url());
    expect(response.headers.get("l5d-proxy-error"))
      .toContain("default test: this rule sends requests to nobody");
    expect(one.requests + two.requests).toBe(0);
  });

  test("answers 500 to the share of a backend that is not there", async () => {
    const one = serve("one");
    discover(one);
    const gone: Backend = { kind: "nowhere", meta: META };
    const route = splitRoute(weighted([one.backend, 1], [gone, 1]));
    const counts = tally(await load(400, httpPolicy(route)));
    expect((counts["200"] ?? 0) + (counts["500"] ?? 0)).toBe(400);
    expect(counts["200"]).toBe(one.requests);
    expect(Math.abs(one.requests - 200)).toBeLessThan(80);
  });

  test("leaves out a backend that fails fast, while it does", async () => {
    const [one, two] = [serve("one"), serve("two")];
    discover(one);
    const { backend } = two;
    const policy = split(one, 1, two, 1);
    const first = tally(await load(60, policy));
    expect((first["200"] ?? 0) + (first["504"] ?? 0)).toBe(60);
    expect(first["504"]).toBeGreaterThan(0);
    expect(tally(await load(60, null))).toEqual({ 200: 60 });
    if (backend.kind !== "balancer") throw new Error("no balancer");
    const there = endpointAt(THIS_HOST, two.port);
    control.endpoints.next(backend.path, new Map([["one", there]]));
    await load(60, null);
    expect(two.requests).toBeGreaterThan(0);
  });

  test("says which service, route and backend failed, and what is known of its endpoints", async () => {
    const one = serve("one");
    const meta = (group: string, kind: string, name: string) =>
      ({
        kind: "resource",
        resource: {
          group,
          kind,
          name,
          namespace: "shop",
          section: "",
          port: 0,
        },
      }) as const;
    const backend = { ...one.backend, meta: meta("", "Service", "one") };
    const route = {
      ...splitRoute(weighted([backend, 1])),
      meta: meta("gateway.networking.k8s.io", "HTTPRoute", "canary"),
    };
    const policy = { ...httpPolicy(route), parent: meta("", "Service", "web") };
    const asking = fetch(url());
    await decreeFirst(policy);
    const response = await asking;
    expect(response.status).toBe(504);
    expect(response.headers.get("l5d-proxy-error")).toStartWith(
      "core/Service web.shop: gateway.networking.k8s.io/HTTPRoute canary.shop: core/Service one.shop: " +
        "service one.shop.svc.cluster.local:80 in fail-fast",
    );
    expect(response.headers.get("l5d-proxy-error"))
      .toContain("0 endpoints known, 0 ready");
    const labels = `route_name="canary",hostname="127.0.0.1"`;
    const requests = "outbound_http_route_request_statuses_total";
    expect(total(requests, `${labels},http_status="",error="FAIL_FAST"`))
      .toBe(1);
  });

  test("of TLS is by the name of the server", async () => {
    const [one, two] = [serve("one", OK, "bytes"), serve("two", OK, "bytes")];
    discover(one, two);
    const tls = [
      { snis: [{ kind: "exact", host: "db.example.org" }], to: one },
      { snis: [{ kind: "suffix", suffix: ".example.org" }], to: two },
    ] as const;
    const policy: ClientPolicy = {
      parent: META,
      protocol: {
        kind: "tls",
        tls: tls.map(({ snis, to }) => ({
          ...opaqueRoute(weighted([to.backend, 1])),
          snis,
        })),
      },
    };
    const ask = async (servername: string) => {
      const socket = connectTls({ ...address, host: address.ip, servername });
      let closed = false;
      socket.on("error", () => {});
      socket.on("close", () => closed = true);
      if (control.clientPolicies.asked.length === 0) await decreeFirst(policy);
      const before = one.connections.length + two.connections.length;
      while (
        !closed && one.connections.length + two.connections.length === before
      ) await turn();
      socket.destroy();
    };
    await ask("db.example.org");
    expect([one.connections.length, two.connections.length]).toEqual([1, 0]);
    await ask("cache.example.org");
    expect([one.connections.length, two.connections.length]).toEqual([1, 1]);
    await ask("example.com");
    expect([one.connections.length, two.connections.length]).toEqual([1, 1]);
    expect(total("outbound_tls_route_open_total", `"db.example.org"`)).toBe(1);
    expect(total("outbound_tls_route_close_total", `error="forbidden"`))
      .toBe(1);
    const endpoints = "outbound_tls_balancer_endpoints";
    expect(total(endpoints, `concrete="one.shop.svc.cluster.local:80"`))
      .toBe(1);
  });

  test("of bytes is by weight, too", async () => {
    const [one, two] = [serve("one", OK, "bytes"), serve("two", OK, "bytes")];
    discover(one, two);
    const answers: string[] = [];
    const all = weighted([one.backend, 1], [two.backend, 3]);
    for (let connection = 0; connection < 60; connection++) {
      const options = { timeoutMs: 1_000, tcp: {}, tls: null };
      const client = new Recorder(await dial(address, options));
      if (connection === 0) {
        await decreeFirst({
          parent: META,
          protocol: { kind: "opaque", opaque: opaqueRoute(all) },
        });
      }
      await client.until(() => client.text !== "");
      answers.push(client.text);
      client.channel.destroy();
    }
    const ones = answers.filter((text) => text === "one").length;
    expect(ones).toBeGreaterThan(2);
    expect(ones).toBeLessThan(35);
  });
});

describe("retries", () => {
  /** Answers 503 to three of ten. */
  function failing() {
    const server = serve("one", (request) => {
      const fails = Math.random() < 0.3;
      if (fails) failures += 1;
      request.afterEnd(() => request.answer(fails ? 503 : 200, "answer"));
    });
    let failures = 0;
    return { server, failures: () => failures };
  }

  test("leave the failures of all attempts, and counters agree", async () => {
    const { server, failures } = failing();
    discover(server);
    const route = splitRoute(weighted([server.backend, 1]), {
      retry: retry({ limit: 2 }),
    });
    const counts = tally(await load(2_000, httpPolicy(route)));
    const lost = counts["503"] ?? 0;
    expect((counts["200"] ?? 0) + lost).toBe(2_000);
    // 2.7 %: 54 of 2,000, with a deviation of 7.2.
    expect(Math.abs(lost - 54)).toBeLessThan(29);
    const metric = (name: string) => total(`outbound_http_route_retry_${name}`);
    const retries = metric("requests_total");
    expect(server.requests).toBe(2_000 + retries);
    expect(failures()).toBe(retries + lost);
    expect([metric("limit_exceeded_total"), metric("overflow_total")])
      .toEqual([lost, 0]);
    const backend = "outbound_http_route_backend_response_statuses_total";
    expect(total(backend, `http_status="503"`)).toBe(failures());
    const requests = "outbound_http_route_request_statuses_total";
    expect(total(requests, `http_status="503"`)).toBe(lost);
  }, 60_000);

  test("bring bodies whole, each time, and none that is too long", async () => {
    const bodies: number[] = [];
    const server = serve("one", (request) =>
      request.afterEnd(() => {
        bodies.push(request.body.length);
        request.answer(503);
      }));
    discover(server);
    const route = splitRoute(weighted([server.backend, 1]), {
      retry: retry({ maxBodyBytes: 1_000 }),
    });
    const post = (bytes: number) => () => ({
      method: "POST",
      body: "x".repeat(bytes),
    });
    await load(50, httpPolicy(route), post(1_000));
    expect(bodies).toEqual(Array.from({ length: 100 }, () => 1_000));
    bodies.length = 0;
    await load(50, null, post(1_001));
    expect(bodies).toEqual(Array.from({ length: 50 }, () => 1_001));
  });

  test("are not made unless the route says so", async () => {
    const { server, failures } = failing();
    discover(server);
    const route = splitRoute(weighted([server.backend, 1]));
    const init = () => ({ method: "POST", body: "body" });
    const counts = tally(await load(100, httpPolicy(route), init));
    expect([server.requests, counts["503"]]).toEqual([100, failures()]);
  });
});

describe("timeouts", () => {
  const LIMIT_MS = 300;
  /** Within a tenth, and what a busy machine adds. */
  const inTime = (tookMs: number) => {
    expect(tookMs).toBeGreaterThanOrEqual(LIMIT_MS * 0.99);
    expect(tookMs).toBeLessThan(LIMIT_MS * 1.1 + 200);
  };
  const limited = (
    server: Server,
    limit: "requestMs" | "responseMs" | "idleMs",
  ): ClientPolicy => {
    const none = { requestMs: null, responseMs: null, idleMs: null };
    const timeouts = { ...none, [limit]: LIMIT_MS };
    const route = splitRoute(weighted([server.backend, 1]), { timeouts });
    const http = { routes: [route], accrual: null };
    return { parent: META, protocol: { kind: "http2", http } };
  };

  async function call(policy: ClientPolicy, grpc: boolean) {
    const options = { timeoutMs: 1_000, tcp: {}, tls: null };
    const channel = await dial(address, options);
    closing.push(() => channel.destroy());
    const events = { ready() {}, retiring() {}, closed() {} };
    const client = connectHttp2(channel, {}, events);
    await decreeFirst(policy);
    const response = new RecordedResponse();
    const type = grpc ? "application/grpc" : "text/plain";
    const head = requestHead("POST", "/a.B/C", { "content-type": type });
    head.version = "2";
    head.authority = Field.of(":authority", "a");
    head.host = null;
    const startMs = performance.now();
    client.request(head, true, response);
    while (!response.ended && response.reset === null) await turn();
    return { response, tookMs: performance.now() - startMs };
  }

  test.each(["requestMs", "responseMs", "idleMs"] as const)(
    "%s: HTTP/1 is answered with 504 in time",
    async (limit) => {
      const server = serve("one", () => {});
      discover(server);
      const { protocol, ...policy } = limited(server, limit);
      if (protocol.kind !== "http2") throw new Error("not HTTP");
      const asking = fetch(url());
      await decreeFirst({
        ...policy,
        protocol: { ...protocol, kind: "http1" },
      });
      const startMs = performance.now();
      const response = await asking;
      expect(response.status).toBe(504);
      inTime(performance.now() - startMs);
      while (!server.connections.every(({ closed }) => closed)) await turn();
    },
  );

  test.each(
    [
      ["requestMs", false],
      ["idleMs", false],
      ["requestMs", true],
      ["responseMs", true],
      ["idleMs", true],
    ] as const,
  )("%s: HTTP/2, gRPC %p, before the head", async (limit, grpc) => {
    const server = serve("one", () => {}, "http2");
    discover(server);
    const { response, tookMs } = await call(limited(server, limit), grpc);
    inTime(tookMs);
    expect(response.status).toBe(grpc ? 200 : 504);
    expect(response.fields.includes("grpc-status: 4")).toBe(grpc);
  });

  test.each([false, true])(
    "after the head: HTTP/2 is reset, gRPC %p has trailers; the server hears of it",
    async (grpc) => {
      let heard: RecordedRequest | null = null;
      const server = serve("one", (request) => {
        heard = request;
        request.begin(200);
        request.write("half");
      }, "http2");
      discover(server);
      const policy = limited(server, "requestMs");
      const { response, tookMs } = await call(policy, grpc);
      inTime(tookMs);
      expect([response.status, response.body]).toEqual([200, "half"]);
      expect(response.trailers.includes("grpc-status: 4")).toBe(grpc);
      expect(response.reset === null).toBe(grpc);
      const at = () => (heard as RecordedRequest | null)?.reset ?? null;
      while (at() === null) await turn();
    },
  );
});
