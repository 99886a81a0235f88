// Traffic goes on while everything it depends on comes and goes: pods, the control plane, proxies.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { waitFor } from "../../demo/bed/wait.ts";
import type { LoadResult } from "../../demo/workloads/load.ts";
import { kubectl } from "./kubectl.ts";
import { type NodeCluster, OPEN_TIMEOUT_MS, openNode } from "./open.ts";
import { type Changes, watchProxy, watchSlices } from "./testing/endpoints.ts";
import { type Forward, openForward } from "./testing/forward.ts";
import {
  INSTALL_TIMEOUT_MS,
  installMesh,
  type Mesh,
} from "./testing/installed.ts";
import { ask, createTraffic, startLoad } from "./testing/load.ts";

setDefaultTimeout(300_000);
const NAMESPACE = "traffic";
const RATE = 200;
/** What two cores can start at once beside a load and a control plane whose probes want an answer within a second. */
const MANY = 5;
const WAIT = "--timeout=240s";
const WAIT_MS = 240_000;
/** Promised is one second; a machine whose two cores are busy starting pods may need more. */
const SLOWEST_UPDATE_MS = 5_000;

let node: NodeCluster;
let mesh: Mesh | null = null;
/** To the metrics of the proxy beside the load. */
let metrics: Forward;
let slices: Changes;
let proxy: Changes;

beforeAll(async () => {
  node = await openNode();
  mesh = await installMesh(node);
  const items = await createTraffic(NAMESPACE, 1);
  const list = JSON.stringify({ apiVersion: "v1", kind: "List", items });
  await kubectl(node, ["apply", "-f", "-"], list);
  await rolledOut("web");
  await run("wait", "pod/load", "--for=condition=Ready", WAIT);
  metrics = await openForward(node, NAMESPACE, "pod/load", 4191);
  slices = watchSlices(node, NAMESPACE, "web");
  proxy = watchProxy(metrics.port, "web");
}, OPEN_TIMEOUT_MS + INSTALL_TIMEOUT_MS);

afterAll(async () => {
  await proxy?.[Symbol.asyncDispose]();
  await slices?.[Symbol.asyncDispose]();
  await metrics?.[Symbol.asyncDispose]();
  await kubectl(node, [
    ...["delete", "namespace", NAMESPACE, "--ignore-not-found", WAIT],
  ]);
  await mesh?.uninstall();
  await node.stop();
}, OPEN_TIMEOUT_MS + INSTALL_TIMEOUT_MS);

test("a Service scaled from 1 to 5 under load fails no request", async () => {
  const load = await startLoad(node, NAMESPACE, RATE);
  await run("scale", "deployment/web", `--replicas=${MANY}`);
  await rolledOut("web");
  await expectUpdate(MANY);
  tell("1 to 5", await load.stop());
});

test("a Service without pods: the answer says which, and how many endpoints there are", async () => {
  await run("scale", "deployment/web", "--replicas=0");
  await expectUpdate(0);
  const answer = await answerOf("http://web/");
  expect(answer).toMatch(/^50[34] service web\.traffic\.svc\.cluster\.local/);
  expect(answer).toContain("0 endpoints known, 0 ready");
});

test("scaled to 3 it serves again, and then fails no request", async () => {
  await run("scale", "deployment/web", "--replicas=3");
  await waitFor(
    async () =>
      await ask(node, NAMESPACE, "http://web/") === "200 " ? true : null,
    { what: () => "an answer of a pod", timeoutMs: WAIT_MS },
  );
  const load = await startLoad(node, NAMESPACE, RATE);
  await rolledOut("web");
  await expectUpdate(3);
  tell("0 to 3", await load.stop());
});

test("a rolling restart under load fails no request", async () => {
  const before = await podsOf("web");
  const load = await startLoad(node, NAMESPACE, RATE);
  await run("rollout", "restart", "deployment/web");
  await rolledOut("web");
  const after = await waitFor(async () => {
    const names = await podsOf("web");
    return names.some((name) => before.includes(name)) ? null : names;
  }, { what: () => "the end of the old pods", timeoutMs: WAIT_MS });
  tell("rolling restart", await load.stop());
  expect(after).toHaveLength(3);
});

test("the control plane is deleted and comes back: no request fails, and endpoints are heard of again", async () => {
  const load = await startLoad(node, NAMESPACE, RATE);
  await kubectl(node, ["delete", "pods", "--all", "-n", "linkerd", WAIT]);
  for (const name of ["identity", "destination", "proxy-injector"]) {
    await kubectl(node, [
      ...["rollout", "status", `deployment/linkerd-${name}`],
      ...["-n", "linkerd", WAIT],
    ]);
  }
  await run("scale", "deployment/web", "--replicas=4");
  await rolledOut("web");
  await waitFor(() => proxy.seen.at(-1)?.value === 4 ? true : null, {
    what: () => "a fourth endpoint at the proxy",
    timeoutMs: WAIT_MS,
  });
  tell("control plane deleted", await load.stop());
});

test("a proxy that is killed serves again", async () => {
  const { name, proxy: before } = await findMeshed();
  process.kill(processOf(before.containerID), "SIGKILL");
  const killedMs = performance.now();
  await waitFor(async () => {
    const now = await proxyOf(name);
    if (now === undefined || !now.ready) return null;
    return now.restartCount > before.restartCount ? true : null;
  }, { what: () => `a new proxy in ${name}`, timeoutMs: WAIT_MS });
  const ip = await run("get", "pod", name, "-o", "jsonpath={.status.podIP}");
  expect(await answerOf(`http://${ip}:8080/`)).toBe("200 ");
  const tookMs = performance.now() - killedMs;
  say(`proxy killed: serves again after ${(tookMs / 1000).toFixed(1)} s`);
});

/** Prints what a load met, and expects that all of it was answered well. */
function tell(what: string, { latencyMs, ...result }: LoadResult): void {
  const { requests, failed, statuses, errors, rps } = result;
  say(
    `${what}: ${requests} requests at ${
      rps.toFixed(0)
    }/s, ${failed} failed, p50 ${latencyMs.p50.toFixed(1)} ms, p99 ${
      latencyMs.p99.toFixed(1)
    } ms`,
  );
  expect({ failed, statuses, errors }).toEqual({
    failed: 0,
    statuses: { "200": requests },
    errors: {},
  });
}

/** The first answer there is: while the control plane cannot be reached, a proxy closes connections to what it does not know. */
async function answerOf(url: string): Promise<string> {
  return await waitFor(() => ask(node, NAMESPACE, url), {
    what: () => `an answer of ${url}`,
    timeoutMs: WAIT_MS,
  });
}

/** Waits until slices and proxy have this many endpoints, and tells how much later the proxy had. */
async function expectUpdate(count: number): Promise<void> {
  const settled = ({ seen }: Changes) => {
    const last = seen.at(-1);
    return last?.value === count ? last.atMs : null;
  };
  const [slicesMs, proxyMs] = await waitFor(() => {
    const [at, then] = [settled(slices), settled(proxy)];
    return at === null || then === null ? null : [at, then] as const;
  }, { what: () => `${count} endpoints at the proxy`, timeoutMs: WAIT_MS });
  const lateMs = Math.max(0, proxyMs - slicesMs);
  say(`${count} endpoints: at the proxy within ${lateMs.toFixed(0)} ms`);
  expect(lateMs).toBeLessThan(SLOWEST_UPDATE_MS);
}

function say(line: string): void {
  process.stderr.write(`traffic: ${line}\n`);
}

function run(...args: readonly string[]): Promise<string> {
  return kubectl(node, ["-n", NAMESPACE, ...args]);
}

async function rolledOut(name: string): Promise<void> {
  await run("rollout", "status", `deployment/${name}`, WAIT);
}

async function podsOf(app: string): Promise<string[]> {
  const names = await run("get", "pods", "-l", `app=${app}`, "-o", "name");
  return names.trim().split("\n").map((name) => name.replace("pod/", ""));
}

interface Container {
  readonly name: string;
  readonly containerID: string;
  readonly restartCount: number;
  readonly ready: boolean;
}

/** A pod with a proxy: one that was made before its API server could reach the new injector has none. */
async function findMeshed() {
  for (const name of await podsOf("web")) {
    const proxy = await proxyOf(name);
    if (proxy !== undefined) return { name, proxy };
  }
  throw new Error("no pod has a proxy");
}

async function proxyOf(pod: string): Promise<Container | undefined> {
  const { status } = JSON.parse(await run("get", "pod", pod, "-o", "json")) as {
    status: Record<string, Container[]>;
  };
  return [
    ...status["initContainerStatuses"] ?? [],
    ...status["containerStatuses"] ?? [],
  ].find(({ name }) => name === "linkerd-proxy");
}

/** The process of a container, by its cgroup. */
function processOf(containerID: string): number {
  const id = containerID.replace("containerd://", "");
  const found = readdirSync("/proc").filter((pid) => /^\d+$/.test(pid))
    .find((pid) => read(`/proc/${pid}/cgroup`).includes(id));
  if (found === undefined) throw new Error(`no process of ${containerID}`);
  return Number(found);
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // It has ended since.
  }
}
