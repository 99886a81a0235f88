// Endpoints that answer badly are left out, tried again and taken back, through real proxies, by annotations of Services.
import {
  afterAll,
  beforeAll,
  beforeEach,
  expect,
  setDefaultTimeout,
  test,
} from "bun:test";
import { type Pod, proxyOf } from "../demo/bed/pod.ts";
import type { Service } from "../demo/bed/service.ts";
import { waitFor } from "../demo/bed/wait.ts";
import { parseMetrics } from "../demo/metrics.ts";
import { TRAFFIC_ANNOTATIONS } from "../schemas/names.ts";
import { inPod } from "./testing/in-pod.ts";
import { type Mesh, MESH_TIMEOUT_MS, openMesh } from "./testing/mesh.ts";
import { dialRaw } from "./testing/raw-socket.ts";

setDefaultTimeout(90_000);

const PORT = 8080;
const NAMES = ["one", "two", "three", "four", "five"];
const MAX_FAILURES = 3;
const MIN_PENALTY_MS = 300;
/** How long a good answer takes. */
const WORK_MS = 10;
/** Requests that must pass for "none failed" to mean something. */
const MANY = 100;

let mesh: Mesh;
let caller: Pod;
let pods: readonly Pod[];
const services = new Map<string, Service>();
const servers: { stop(hard: boolean): Promise<void> }[] = [];
/** What pods answer other than 200, by service and pod: `web one`. */
const statuses = new Map<string, number>();
/** When requests came, by service and pod. */
const arrivals = new Map<string, number[]>();

beforeAll(async () => {
  mesh = await openMesh("breaking");
  for (const [name, annotations] of Object.entries(ANNOTATIONS)) {
    const spec = { name, ports: [PORT], annotations };
    services.set(name, await mesh.bed.addService(spec));
  }
  [caller, ...pods] = await Promise.all([
    mesh.bed.addPod({ name: "caller" }),
    ...NAMES.map(addPod),
  ]);
}, MESH_TIMEOUT_MS);

beforeEach(() => {
  statuses.clear();
  arrivals.clear();
});

afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop(true)));
  await mesh.close();
}, MESH_TIMEOUT_MS);

/** A pod whose answers say its name, with the status that the test wants for the service that was asked. */
async function addPod(name: string): Promise<Pod> {
  const pod = await mesh.bed.addPod({ name, ports: [PORT] });
  const fetch = async ({ headers }: Request) => {
    const key = `${headers.get("host")} ${name}`;
    arrivals.set(key, [...arrivals.get(key) ?? [], performance.now()]);
    const status = statuses.get(key) ?? 200;
    // Failing is quicker than working, as it often is.
    if (status === 200) await Bun.sleep(WORK_MS);
    return new Response(name, { status });
  };
  const server = inPod(
    pod,
    () => Bun.serve({ port: PORT, hostname: "0.0.0.0", fetch }),
  );
  servers.push(server);
  return pod;
}

/** Annotations for which failures in a row count. */
function consecutive(minPenaltyMs: number): Record<string, string> {
  return {
    [TRAFFIC_ANNOTATIONS.failureAccrual]: "consecutive",
    [TRAFFIC_ANNOTATIONS.maxFailures]: `${MAX_FAILURES}`,
    [TRAFFIC_ANNOTATIONS.minPenalty]: `${minPenaltyMs}ms`,
    [TRAFFIC_ANNOTATIONS.maxPenalty]: "60s",
    [TRAFFIC_ANNOTATIONS.jitterRatio]: "0",
  };
}

/** Services of all pods, by name. */
const ANNOTATIONS = {
  web: consecutive(MIN_PENALTY_MS),
  lost: consecutive(60_000),
  other: consecutive(60_000),
  shop: {
    [TRAFFIC_ANNOTATIONS.failureAccrual]: "unified",
    [TRAFFIC_ANNOTATIONS.minPenalty]: "60s",
    [TRAFFIC_ANNOTATIONS.successRateWindow]: "60s",
    [TRAFFIC_ANNOTATIONS.successRateMinRequests]: "5",
  },
  fair: { [TRAFFIC_ANNOTATIONS.penalizeFailures]: "true" },
} as const;

/** A Service whose endpoints are all in use. */
async function use(name: keyof typeof ANNOTATIONS): Promise<Service> {
  const service = services.get(name);
  if (service === undefined) throw new Error(`There is no ${name}`);
  await service.setEndpoints(pods);
  let last: unknown = null;
  await waitFor(async () => {
    const answer = await ask(service).catch((error) => error);
    const endpoints = await readEndpoints(service);
    last = { answer, endpoints };
    return endpoints.ready === pods.length || null;
  }, {
    what: () => `${name} in use, only ${JSON.stringify(last)}`,
    // A proxy asks again only after seconds for an address that the control plane has not heard of.
    timeoutMs: 45_000,
  });
  arrivals.clear();
  return service;
}

interface Answer {
  readonly status: number;
  /** The pod's name; empty when a proxy answered. */
  readonly from: string;
  /** What the caller's proxy says of a failure. */
  readonly error: string;
}

/** One request of the caller, on a connection of its own. */
async function ask({ name, clusterIp }: Service): Promise<Answer> {
  const socket = await dialRaw(caller, clusterIp, PORT);
  socket.write(`GET / HTTP/1.1\r\nhost: ${name}\r\nconnection: close\r\n\r\n`);
  const text = (await socket.ended).toString("latin1");
  socket.destroy();
  return {
    status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]),
    from: text.split("\r\n\r\n")[1] ?? "",
    error: /^l5d-proxy-error: (.*)\r$/m.exec(text)?.[1] ?? "",
  };
}

async function askMany(service: Service): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let at = 0; at < MANY; at++) answers.push(await ask(service));
  return answers;
}

/** The pod that the balancer prefers now: others may have looked slow for a moment, and get nothing for a while. */
async function favourite(service: Service): Promise<string> {
  const names = (await askMany(service)).map(({ from }) => from);
  const count = (name: string) => names.filter((from) => from === name).length;
  return NAMES.toSorted((a, b) => count(b) - count(a))[0] ?? "";
}

/** The caller's balancer of a Service: endpoints that it may choose, and those that it may not. */
async function readEndpoints(
  { name }: Service,
): Promise<{ ready: number; pending: number }> {
  const samples = parseMetrics(await proxyOf(caller).metrics());
  const count = (state: string) =>
    samples.find((sample) =>
      sample.name === "outbound_http_balancer_endpoints" &&
      sample.labels["parent_name"] === name &&
      sample.labels["endpoint_state"] === state
    )?.value ?? 0;
  return { ready: count("ready"), pending: count("pending") };
}

const arrivalsAt = (service: string, pod: string): readonly number[] =>
  arrivals.get(`${service} ${pod}`) ?? [];

test("the one of five that fails is left out, tried with growing penalties, and taken back", async () => {
  const web = await use("web");
  const bad = await favourite(web);
  statuses.set(`web ${bad}`, 500);
  arrivals.clear();

  // Until it has failed as often as it may, and been tried three times more.
  const answers: Answer[] = [];
  await waitFor(async () => {
    answers.push(await ask(web));
    return arrivalsAt("web", bad).length === MAX_FAILURES + 3 || null;
  }, { what: () => "the third try", intervalMs: 1 });
  const failed = answers.filter(({ status }) => status !== 200);
  expect(failed).toEqual(
    Array.from(
      { length: MAX_FAILURES + 3 },
      () => ({ status: 500, from: bad, error: "" }),
    ),
  );
  const times = arrivalsAt("web", bad).slice(MAX_FAILURES - 1);
  for (const [at, time] of times.slice(1).entries()) {
    const passedMs = time - (times[at] ?? 0);
    // A timer may run out a moment early.
    expect(passedMs).toBeGreaterThan(MIN_PENALTY_MS * 2 ** at - 5);
  }
  expect(await readEndpoints(web)).toEqual({ ready: 4, pending: 1 });

  statuses.clear();
  const back = await waitFor(async () => {
    await ask(web);
    const count = arrivalsAt("web", bad).length;
    return count > MAX_FAILURES + 5 || null;
  }, { what: () => "the endpoint in use again", intervalMs: 1 });
  expect(back).toBeTrue();
  expect(await readEndpoints(web)).toEqual({ ready: 5, pending: 0 });
});

test("all left out is fail-fast, and another service of the same pods does not feel it", async () => {
  const [lost, other] = [await use("lost"), await use("other")];
  for (const name of NAMES) statuses.set(`lost ${name}`, 503);

  const failures = NAMES.length * MAX_FAILURES;
  for (let at = 0; at < failures; at++) {
    const { status, from } = await ask(lost);
    expect([status, NAMES.includes(from)]).toEqual([503, true]);
  }
  expect(await readEndpoints(lost)).toEqual({ ready: 0, pending: 5 });

  const waiting = ask(lost);
  const others = await askMany(other);
  expect(others.filter(({ status }) => status !== 200)).toEqual([]);

  const census = "5 endpoints known, 0 ready, 5 ejected";
  const first = await waiting;
  expect([first.status, first.from]).toEqual([504, ""]);
  expect(first.error).toContain("in fail-fast");
  expect(first.error).toContain(census);
  const second = await ask(lost);
  expect([second.status, second.from]).toEqual([503, ""]);
  expect(second.error).toContain(census);

  for (const name of NAMES) {
    expect(arrivalsAt("lost", name)).toHaveLength(MAX_FAILURES);
  }
  expect(await readEndpoints(other)).toEqual({ ready: 5, pending: 0 });
});

test("one that asks for fewer requests is left out where the success rate counts", async () => {
  const shop = await use("shop");
  statuses.set(`shop ${await favourite(shop)}`, 429);
  await waitFor(async () => {
    await ask(shop);
    return (await readEndpoints(shop)).pending || null;
  }, { what: () => "an endpoint left out", intervalMs: 1 });
  const answers = await askMany(shop);
  expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
});

test("one that fails at once does not pass for being fast where failures are penalised", async () => {
  const fair = await use("fair");
  statuses.set(`fair ${await favourite(fair)}`, 503);
  await waitFor(
    async () => (await ask(fair)).status === 503 || null,
    { what: () => "a failure", intervalMs: 1 },
  );
  // It counts as 5 s slow by now: even on a machine that stalls, others are preferred.
  const answers = await askMany(fair);
  const failed = answers.filter(({ status }) => status !== 200);
  expect(failed.length).toBeLessThan(3);
  expect(await readEndpoints(fair)).toEqual({ ready: 5, pending: 0 });
});
