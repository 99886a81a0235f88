import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { type Load, startLoad } from "../demo/bed/load.ts";
import { type Pod, proxyOf } from "../demo/bed/pod.ts";
import type { Service } from "../demo/bed/service.ts";
import { waitFor } from "../demo/bed/wait.ts";
import { parseMetrics, type Sample } from "../demo/metrics.ts";
import {
  addBackend,
  type Backend,
  BACKEND_PORTS,
  type Mesh,
  MESH_TIMEOUT_MS,
  openMesh,
} from "./testing/mesh.ts";

/** How long an application serves on after SIGTERM, as its preStop hook would have it. */
const GRACE_MS = 500;
/** How long an answer takes: long enough that some are always on their way. */
const DELAY_MS = 20;
const CONNECTIONS = 8;
/** Requests that must pass for "none of them" to mean something. */
const MANY = 200;

let mesh: Mesh;
let client: Pod;
let service: Service;
let load: Load | null = null;

beforeAll(async () => {
  mesh = await openMesh("endpoints");
  client = await mesh.bed.addPod({ name: "client", namespace: "app" });
  service = await mesh.bed.addService({
    name: "server",
    namespace: "app",
    ports: [{ port: 80, targetPort: BACKEND_PORTS.http }],
  });
}, MESH_TIMEOUT_MS);

afterAll(() => mesh.close(), MESH_TIMEOUT_MS);

afterEach(async () => {
  await load?.stop();
  load = null;
});

const add = (name: string): Promise<Backend> =>
  addBackend(mesh.bed, {
    name,
    env: { GRACE_MS: String(GRACE_MS), DELAY_MS: String(DELAY_MS) },
  });

const use = (...backends: readonly Backend[]): Promise<void> =>
  service.setEndpoints(backends.map(({ pod }) => pod));

/** Requests with a body that nobody may repeat, on connections that stay. */
async function startPosting(): Promise<Load> {
  load = startLoad(client, {
    url: "http://server/",
    method: "POST",
    body: "x".repeat(1_000),
    connections: CONNECTIONS,
  });
  await load.started();
  return load;
}

/** The client's proxy: endpoints it may choose now, and connections it has open to a pod. */
async function readBalancer(): Promise<
  { ready: number; connectionsTo(pod: Pod): number }
> {
  const samples = parseMetrics(await proxyOf(client).metrics());
  const sum = (choose: (sample: Sample) => boolean) =>
    samples.filter(choose).reduce((total, { value }) => total + value, 0);
  return {
    ready: sum(({ name, labels }) =>
      name === "outbound_http_balancer_endpoints" &&
      labels["endpoint_state"] === "ready"
    ),
    connectionsTo: (pod) =>
      sum(({ name, labels }) =>
        name === "tcp_open_connections" && labels["peer"] === "dst" &&
        labels["target_ip"] === pod.ip
      ),
  };
}

const untilReady = (count: number): Promise<true> =>
  waitFor(async () => (await readBalancer()).ready === count || null, {
    what: () => `${count} endpoints in use`,
    intervalMs: 2,
  });

/** Waits until the client's proxy has let go of a pod, whose last answers have then come. */
const untilForgotten = (pod: Pod): Promise<true> =>
  waitFor(
    async () => (await readBalancer()).connectionsTo(pod) === 0 || null,
    { what: () => `no connection to ${pod.name}` },
  );

/** How many requests these have had, one by one. */
const served = (backends: readonly Backend[]): Promise<number[]> =>
  Promise.all(backends.map((backend) => backend.served()));

/** Waits until these have had `MANY` more together: which of them is the balancer's affair. */
async function untilServed(backends: readonly Backend[]): Promise<void> {
  const sum = async () =>
    (await served(backends)).reduce((total, count) => total + count, 0);
  const goal = await sum() + MANY;
  await waitFor(async () => await sum() >= goal || null, {
    what: () => `${MANY} more requests`,
  });
}

test(
  "endpoints come and go under load: nothing fails, and who has gone hears no more",
  async () => {
    const [one, two, three] = await Promise.all([
      add("one"),
      add("two"),
      add("three"),
    ]);
    const steps = [
      [one, two, three],
      [two, three],
      [three],
      [one, three],
      [one, two],
      [two],
    ];
    let last = [one];
    await use(...last);
    const posting = await startPosting();
    for (const endpoints of steps) {
      await use(...endpoints);
      await untilReady(endpoints.length);
      const gone = last.filter((backend) => !endpoints.includes(backend));
      await Promise.all(gone.map(({ pod }) => untilForgotten(pod)));
      const before = await served(gone);
      await untilServed(endpoints);
      expect(await served(gone)).toEqual(before);
      last = endpoints;
    }
    expect(await posting.stop()).toMatchObject({ failed: 0, errors: {} });
  },
  60_000,
);

test("who is killed takes with it only what it had in hand", async () => {
  const [doomed, other] = await Promise.all([add("doomed"), add("other")]);
  await use(doomed, other);
  const posting = await startPosting();
  await untilReady(2);
  await untilServed([doomed, other]);
  // The proxy first: a machine that is lost takes both at once.
  await Promise.all([
    proxyOf(doomed.pod).kill(),
    doomed.program.stop("SIGKILL"),
  ]);
  await untilServed([other]);
  await use(other);
  await untilReady(1);
  await untilServed([other]);
  // Each connection of the load waits for one answer at a time.
  expect((await posting.stop()).failed).toBeLessThanOrEqual(CONNECTIONS);
}, 60_000);

test("a rolling restart under load fails no request", async () => {
  let running = await Promise.all(["v1-a", "v1-b", "v1-c"].map(add));
  await use(...running);
  const posting = await startPosting();
  await untilReady(running.length);
  for (const name of ["v2-a", "v2-b", "v2-c"]) {
    const fresh = await add(name);
    const [old, ...rest] = running;
    if (old === undefined) throw new Error("nothing is running");
    running = [...rest, fresh];
    // As in a cluster: nobody waits for the news to spread before the pod is told to end.
    const [proxy, application] = await Promise.all([
      proxyOf(old.pod).stop(),
      old.program.stop(),
      use(...running),
    ]);
    expect([proxy.code, application.code]).toEqual([0, 0]);
    await untilReady(running.length);
    await untilServed(running);
    await old.pod.remove();
  }
  expect(await posting.stop()).toMatchObject({ failed: 0, errors: {} });
}, 60_000);

/** From the edit of a manifest to its effect in a proxy. */
const MAX_DELAY_MS = 100;
const EDITS = 9;

test("an edited manifest takes effect in a proxy within 100 ms", async () => {
  const [one, two] = await Promise.all([add("edit-a"), add("edit-b")]);
  await use(one);
  load = startLoad(client, { url: "http://server/", rate: 10 });
  await load.started();
  await untilReady(1);
  const delays: number[] = [];
  for (let edit = 0; edit < EDITS; edit++) {
    const endpoints = edit % 2 === 0 ? [one, two] : [one];
    const start = performance.now();
    const [, delay] = await Promise.all([
      use(...endpoints),
      untilReady(endpoints.length).then(() => performance.now() - start),
    ]);
    delays.push(delay);
  }
  // The median: on a busy machine one of them may wait for its turn.
  expect(delays.sort((a, b) => a - b)[EDITS >> 1]).toBeLessThan(MAX_DELAY_MS);
}, 30_000);
