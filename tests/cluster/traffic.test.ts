// Traffic goes on while everything it depends on comes and goes: pods, the control plane, proxies.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { waitFor } from "../../demo/bed/wait.ts";
import type { LoadResult } from "../../demo/workloads/load.ts";
import { kubectl } from "./kubectl.ts";
import { type NodeCluster, OPEN_TIMEOUT_MS, openNode } from "./open.ts";
import {
  type Changes,
  delaysMs,
  watchProxy,
  watchSlices,
} from "./testing/endpoints.ts";
import { type Forward, openForward } from "./testing/forward.ts";
import {
  INSTALL_TIMEOUT_MS,
  installMesh,
  type Mesh,
} from "./testing/installed.ts";
import { ask, createTraffic, startLoad } from "./testing/load.ts";
import { testOnOurs } from "./testing/ours.ts";

setDefaultTimeout(300_000);
const NAMESPACE = "traffic";
const RATE = 200;
const MANY = 10;
/** How long a load lasts that nothing else ends. */
const LOAD_MS = 3_000;
/** For an application that ends: as long as news of it may take on a busy machine. */
const GRACE_MS = 5_000;
const WAIT = "--timeout=240s";
const WAIT_MS = 240_000;
/** What is promised. A machine that is busy starting pods may make single updates late, so the median is held to it. */
const UPDATE_MS = 1_000;

let node: NodeCluster;
let mesh: Mesh | null = null;
/** To the metrics of the proxy beside the load. */
let metrics: Forward;
let slices: Changes;
let proxy: Changes;
/** How much later than the slice the proxy had each change. */
const lateMs: number[] = [];

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

test("a Service scaled from 1 to 10 and back under load fails no request", async () => {
  for (const count of [MANY, 1]) {
    const load = await startLoad(node, NAMESPACE, { rate: RATE });
    await scale(count);
    tell(`to ${count} pods`, await load.stop());
  }
});

test("a Service without pods: the answer says which, and how many endpoints there are", async () => {
  await scale(0);
  const answer = await answerOf("http://web/");
  expect(answer).toMatch(/^50[34] /);
  expect(answer).toContain("service web.traffic.svc.cluster.local");
  expect(answer).toContain("0 endpoints known, 0 ready");
});

test("scaled to 3 it serves again, and then fails no request", async () => {
  const scaled = scale(3);
  await waitFor(
    async () =>
      await ask(node, NAMESPACE, "http://web/") === "200 " ? true : null,
    { what: () => "an answer of a pod", timeoutMs: WAIT_MS },
  );
  const load = await startLoad(node, NAMESPACE, { rate: RATE });
  await scaled;
  tell("0 to 3 pods", await load.stop());
});

test("proxies have heard of each change within a second", () => {
  const inOrder = lateMs.toSorted((a, b) => a - b);
  const medianMs = inOrder[inOrder.length >> 1] ?? Infinity;
  say(
    `${inOrder.length} changes of endpoints: at the proxy within ${
      medianMs.toFixed(0)
    } ms (median), ${inOrder.at(-1)?.toFixed(0)} ms (slowest)`,
  );
  expect(inOrder.length).toBeGreaterThan(3);
  expect(medianMs).toBeLessThan(UPDATE_MS);
});

test("a rolling restart under load fails no request", async () => {
  const load = await startLoad(node, NAMESPACE, { rate: RATE });
  await replacePods("set", "env", "deployment/web", `GRACE_MS=${GRACE_MS}`);
  tell("rolling restart", await load.stop());
});

// One that ends at once resets what it has not accepted yet, and nobody may send such a POST again (decision 0118).
test("nor a POST, where the application goes on until its callers know that it ends", async () => {
  const rate = RATE / 2;
  const reads = await startLoad(node, NAMESPACE, { rate });
  const writes = await startLoad(node, NAMESPACE, { rate, method: "POST" });
  await replacePods("rollout", "restart", "deployment/web");
  tell("rolling restart, GET", await reads.stop());
  tell("rolling restart, POST", await writes.stop());
});

test("the control plane is deleted and comes back: no request fails, and endpoints are heard of again", async () => {
  const load = await startLoad(node, NAMESPACE, { rate: RATE });
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

testOnOurs("a proxy that is killed serves again", async () => {
  const { name } = await findMeshed();
  const killedMs = performance.now();
  await killProxy(name);
  const ip = await run("get", "pod", name, "-o", "jsonpath={.status.podIP}");
  expect(await answerOf(`http://${ip}:8080/`)).toBe("200 ");
  const tookMs = performance.now() - killedMs;
  say(`proxy killed: serves again after ${(tookMs / 1000).toFixed(1)} s`);
});

testOnOurs(
  "proxies that are killed while there is no control plane serve again, both callers and called",
  async () => {
    // It reads from a proxy that is about to be killed.
    await proxy[Symbol.asyncDispose]();
    const control = ["-n", "linkerd", "deployment", "--all"];
    await kubectl(node, ["scale", ...control, "--replicas=0"]);
    await kubectl(node, [
      ...["wait", "pod", "--all", "-n", "linkerd", "--for=delete", WAIT],
    ]);
    for (const pod of ["load", ...await podsOf("web")]) {
      if (await proxyOf(pod) !== undefined) await killProxy(pod);
    }
    expect(await answerOf("http://web/")).toBe("200 ");
    const load = await startLoad(node, NAMESPACE, { rate: RATE });
    await Bun.sleep(LOAD_MS);
    tell("without a control plane", await load.stop());
    await kubectl(node, ["scale", ...control, "--replicas=1"]);
    await kubectl(node, [
      ...["rollout", "status", "deployment", "-n", "linkerd", WAIT],
    ]);
  },
);

/** Kills the proxy of a pod, and waits until its kubelet has started another that is ready. */
async function killProxy(pod: string): Promise<void> {
  const before = await proxyOf(pod);
  if (before === undefined) throw new Error(`${pod} has no proxy`);
  process.kill(processOf(before.containerID), "SIGKILL");
  await waitFor(async () => {
    const now = await proxyOf(pod);
    if (now === undefined || !now.ready) return null;
    return now.restartCount > before.restartCount ? true : null;
  }, { what: () => `a new proxy in ${pod}`, timeoutMs: WAIT_MS });
}

/** Does what makes Kubernetes replace all pods of `web`, and waits until the old ones are gone. */
async function replacePods(...command: readonly string[]): Promise<void> {
  const before = await podsOf("web");
  await run(...command);
  await rolledOut("web");
  const after = await waitFor(async () => {
    const names = await podsOf("web");
    return names.some((name) => before.includes(name)) ? null : names;
  }, { what: () => "the end of the old pods", timeoutMs: WAIT_MS });
  expect(after).toHaveLength(before.length);
}

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

/** Waits until as many pods serve, the slices say so and the proxy knows; notes how much later that was. */
async function scale(count: number): Promise<void> {
  const [slicesBefore, proxyBefore] = [slices.seen.length, proxy.seen.length];
  await run("scale", "deployment/web", `--replicas=${count}`);
  await rolledOut("web");
  const delays = await waitFor(() => {
    const changes = slices.seen.slice(slicesBefore);
    return changes.at(-1)?.value === count
      ? delaysMs(changes, proxy.seen.slice(proxyBefore))
      : null;
  }, { what: () => `${count} endpoints at the proxy`, timeoutMs: WAIT_MS });
  lateMs.push(...delays);
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
