// Routes have failed requests sent again, through real proxies: how often, which, and what the counters say of it.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { type LoadSpec, startLoad } from "../demo/bed/load.ts";
import type { Pod } from "../demo/bed/pod.ts";
import type { Service } from "../demo/bed/service.ts";
import { waitFor } from "../demo/bed/wait.ts";
import type { LoadResult } from "../demo/workloads/load.ts";
import { TRAFFIC_ANNOTATIONS } from "../schemas/names.ts";
import {
  type Application,
  type Asked,
  serveGrpc,
  serveHttp,
} from "./testing/application.ts";
import { ask } from "./testing/ask.ts";
import { binomialInterval } from "./testing/binomial.ts";
import { connectFrom } from "./testing/http2-client.ts";
import { type Mesh, MESH_TIMEOUT_MS, openMesh } from "./testing/mesh.ts";
import {
  markedRoute,
  readCount,
  routeObject,
  untilMarked,
} from "./testing/routes.ts";

setDefaultTimeout(60_000);

const PORTS = { http: 8080, grpc: 9000 } as const;
const SERVICE_PORTS = [
  { name: "http", port: PORTS.http },
  { name: "grpc", port: PORTS.grpc, appProtocol: "kubernetes.io/h2c" },
];
const FAILURE_RATE = 0.3;
/** Attempts beyond the first. */
const LIMIT = 3;
/** What is kept of a body to send it again (facts: proxy 4.12). */
const REPLAY_BYTES = 65_536;

/** Annotations of the route of each Service. */
const ROUTES = {
  retried: {
    [TRAFFIC_ANNOTATIONS.retryHttp]: "503",
    [TRAFFIC_ANNOTATIONS.retryLimit]: `${LIMIT}`,
  },
  /** It says how often, and of no status that it is worth another attempt. */
  counted: { [TRAFFIC_ANNOTATIONS.retryLimit]: `${LIMIT}` },
  once: {},
  drawn: {},
} as const;
type Name = keyof typeof ROUTES;

let mesh: Mesh;
let caller: Pod;
let http: Application;
let grpc: Application;
const closing: (() => void)[] = [];
const services = new Map<string, Service>();
const markers = new Map<string, string>();
/** How the server answers; replaced by each test. */
let answer: (asked: Asked) => number = () => 200;

beforeAll(async () => {
  mesh = await openMesh("retries");
  const { bed } = mesh;
  // Before any pod: a proxy asks again after 30 s for an address that the control plane has not heard of.
  for (const [name, annotations] of Object.entries(ROUTES)) {
    services.set(name, await bed.addService({ name, ports: SERVICE_PORTS }));
    const port = PORTS.http;
    const rules = [{ backendRefs: [{ name, port }] }];
    const marked = markedRoute({ name, port }, rules, { annotations });
    await bed.apply(marked.object);
    markers.set(name, marked.path);
  }
  const broken = await bed.addService({ name: "broken", ports: SERVICE_PORTS });
  const [client, server, wreck] = await Promise.all([
    bed.addPod({ name: "caller" }),
    bed.addPod({ name: "server", ports: Object.values(PORTS) }),
    bed.addPod({ name: "broken", ports: Object.values(PORTS) }),
  ]);
  await broken.setEndpoints([wreck]);
  closing.push(serveHttp(wreck, PORTS.http, () => 503).close);
  caller = client;
  http = serveHttp(server, PORTS.http, (asked) => answer(asked));
  grpc = serveGrpc(server, PORTS.grpc, (asked) => answer(asked));
  closing.push(http.close, grpc.close);
  for (const [name, service] of services) {
    await service.setEndpoints([server]);
    const path = markers.get(name) ?? "/";
    await untilMarked(() => ask(client, service, PORTS.http, { path }));
  }
}, MESH_TIMEOUT_MS);

afterAll(async () => {
  for (const close of closing) close();
  await mesh.close();
}, MESH_TIMEOUT_MS);

function serviceOf(name: Name): Service {
  const service = services.get(name);
  if (service === undefined) throw new Error(`There is no ${name}`);
  return service;
}

const fail = (): number => Math.random() < FAILURE_RATE ? 503 : 200;

/** What the caller's proxy counts about retries of a route. */
async function readRetries(
  name: Name,
): Promise<{ sent: number; succeeded: number; exceeded: number }> {
  const read = (family: string) =>
    readCount(caller, `outbound_http_route_retry_${family}_total`, {
      parent_name: name,
      route_name: name,
    });
  return {
    sent: await read("requests"),
    succeeded: await read("successes"),
    exceeded: await read("limit_exceeded"),
  };
}

/** Sends load to a Service, and says how it went, what came to the server and what was counted, since it began. */
async function send(name: Name, spec: Partial<LoadSpec>): Promise<{
  result: LoadResult;
  asked: number;
  octets: number;
  retries: Awaited<ReturnType<typeof readRetries>>;
}> {
  const [before, { asked, octets }] = [await readRetries(name), { ...http }];
  const url = `http://${name}:${PORTS.http}/`;
  const result = await startLoad(caller, { url, connections: 32, ...spec })
    .result();
  const after = await readRetries(name);
  return {
    result,
    asked: http.asked - asked,
    octets: http.octets - octets,
    retries: {
      sent: after.sent - before.sent,
      succeeded: after.succeeded - before.succeeded,
      exceeded: after.exceeded - before.exceeded,
    },
  };
}

function expectCount(count: number, trials: number, probability: number): void {
  const { least, most } = binomialInterval(trials, probability);
  expect(count).toBeGreaterThanOrEqual(least);
  expect(count).toBeLessThanOrEqual(most);
}

test("of a backend that fails 30 % a client sees 30 % four times over, and the counters agree", async () => {
  const requests = 3_000;
  answer = fail;
  const { result, asked, retries } = await send("retried", { requests });
  const failed = result.statuses["503"] ?? 0;
  const residual = FAILURE_RATE ** (LIMIT + 1);
  expect(result).toMatchObject({ requests, errors: {}, failed });
  expectCount(failed, requests, residual);
  expect(retries.sent).toBe(asked - requests);
  expect(retries.exceeded).toBe(failed);
  expectCount(retries.succeeded, requests, FAILURE_RATE - residual);
});

test.each(["counted", "once"] as const)(
  "where the route (%s) names no status, the client sees what failed",
  async (name) => {
    const requests = 500;
    answer = fail;
    for (const method of ["GET", "POST"]) {
      const { result, asked, retries } = await send(name, { requests, method });
      expectCount(result.statuses["503"] ?? 0, requests, FAILURE_RATE);
      expect(asked).toBe(requests);
      expect(retries).toEqual({ sent: 0, succeeded: 0, exceeded: 0 });
    }
  },
);

test("a POST is sent again where the route names the status, with its body", async () => {
  const requests = 60;
  const body = "x".repeat(REPLAY_BYTES);
  let nth = 0;
  answer = () => nth++ % 2 === 0 ? 503 : 200;
  const { result, asked, octets, retries } = await send("retried", {
    requests,
    method: "POST",
    body,
    // One after the other: each fails once.
    connections: 1,
  });
  expect(result).toMatchObject({ statuses: { 200: requests }, errors: {} });
  expect([asked, octets]).toEqual([2 * requests, 2 * requests * body.length]);
  expect(retries).toEqual({ sent: requests, succeeded: requests, exceeded: 0 });
});

test("a body over the replay limit is sent once, whole, and the client sees what came of it", async () => {
  const requests = 500;
  const body = "x".repeat(REPLAY_BYTES + 1);
  answer = fail;
  const { result, asked, octets, retries } = await send("retried", {
    requests,
    method: "POST",
    body,
  });
  expectCount(result.statuses["503"] ?? 0, requests, FAILURE_RATE);
  expect(result.errors).toEqual({});
  expect([asked, octets]).toEqual([requests, requests * body.length]);
  expect(retries).toEqual({ sent: 0, succeeded: 0, exceeded: 0 });
});

test("so is one whose length nobody has declared", async () => {
  const body = "x".repeat(REPLAY_BYTES + 1);
  answer = () => 503;
  const { asked, octets } = { ...http };
  const question = { method: "POST", body, chunked: true };
  const { status } = await ask(
    caller,
    serviceOf("retried"),
    PORTS.http,
    question,
  );
  expect(status).toBe(503);
  expect(http.asked - asked).toBe(1);
  expect(http.octets - octets).toBe(body.length);
});

test("another attempt goes to a backend that is drawn anew", async () => {
  const requests = 1_000;
  const port = PORTS.http;
  const backendRefs = ["drawn", "broken"].map((name) => ({ name, port }));
  const { object, path } = markedRoute({ name: "drawn", port }, [
    { backendRefs },
  ], {
    annotations: {
      [TRAFFIC_ANNOTATIONS.retryHttp]: "503",
      [TRAFFIC_ANNOTATIONS.retryLimit]: "1",
    },
  });
  await mesh.bed.apply(object);
  await untilMarked(() => ask(caller, serviceOf("drawn"), port, { path }));
  answer = () => 200;
  const { result, asked, retries } = await send("drawn", { requests });
  const failed = result.statuses["503"] ?? 0;
  expectCount(failed, requests, 0.25);
  expect([asked, retries.exceeded]).toEqual([requests - failed, failed]);
});

test("calls are sent again by their codes", async () => {
  const port = PORTS.grpc;
  const service = serviceOf("once");
  await mesh.bed.apply(
    routeObject("GRPCRoute", { name: "once", port }, [{
      matches: [{ method: { service: "tests.Echo" } }],
      backendRefs: [{ name: "once", port }],
    }], {
      annotations: {
        [TRAFFIC_ANNOTATIONS.retryGrpc]: "unavailable,internal",
        [TRAFFIC_ANNOTATIONS.retryLimit]: `${LIMIT}`,
      },
    }),
  );
  answer = ({ path }) => Number(path.split("/")[2]);
  const client = await connectFrom(caller, service.clusterIp, port);
  await waitFor(
    async () => (await client.call("/tests.Other/0")).grpcStatus === 5 || null,
    { what: () => "the route in force" },
  );
  for (const [code, attempts] of CODES) {
    for (let call = 0; call < 5; call++) {
      const { asked } = grpc;
      const { status, grpcStatus } = await client.call(`/tests.Echo/${code}`);
      expect([status, grpcStatus, grpc.asked - asked])
        .toEqual([200, code, attempts]);
    }
  }
  client.close();
});
/** How often a call is sent that always fails with a code: OK, NOT_FOUND, RESOURCE_EXHAUSTED, INTERNAL, UNAVAILABLE. */
const CODES = [
  [0, 1],
  [5, 1],
  [8, 1],
  [13, 1 + LIMIT],
  [14, 1 + LIMIT],
] as const;
