// What `linkerd viz` says of a cluster, beside what a load generator sends there, and to whom.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { resolve } from "node:path";
import { waitFor } from "../../demo/bed/wait.ts";
import { imageOf } from "./given.ts";
import { kubectl } from "./kubectl.ts";
import { type NodeCluster, OPEN_TIMEOUT_MS, openNode } from "./open.ts";
import {
  INSTALL_TIMEOUT_MS,
  installMesh,
  type Mesh,
} from "./testing/installed.ts";
import { LATENCY_BOUNDS_MS } from "../../proxy/record/traffic.ts";
import { ask, createTraffic, type Load, startLoad } from "./testing/load.ts";

setDefaultTimeout(300_000);
const NAMESPACE = "golden";
const RATE = 50;
/** Between two scrapes of a proxy. */
const SCRAPE_MS = 10_000;
const WAIT = "--timeout=240s";
/** A window, and some scrapes, until all of it is under load. */
const STEADY_MS = 180_000;
/** Who may view the namespace, and nothing else. */
const VIEWER = "ann";
const MAIN = resolve(import.meta.dir, "../../cli/main.ts");

let node: NodeCluster;
let mesh: Mesh | null = null;
let load: Load | null = null;

beforeAll(async () => {
  node = await openNode();
  mesh = await installMesh(node);
  const items = await createTraffic(NAMESPACE, 2);
  const list = JSON.stringify({ apiVersion: "v1", kind: "List", items });
  await kubectl(node, ["apply", "-f", "-"], list);
  await run("rollout", "status", "deployment/web", WAIT);
  await run("wait", "pod/load", "--for=condition=Ready", WAIT);
  await run(
    ...["create", "rolebinding", VIEWER, "--clusterrole=view"],
    `--user=${VIEWER}`,
  );
  load = await startLoad(node, NAMESPACE, { rate: RATE });
}, OPEN_TIMEOUT_MS + INSTALL_TIMEOUT_MS);

afterAll(async () => {
  await load?.stop();
  await kubectl(node, [
    ...["delete", "namespace", NAMESPACE, "--ignore-not-found", WAIT],
  ]);
  await mesh?.uninstall();
  await node.stop();
}, OPEN_TIMEOUT_MS + INSTALL_TIMEOUT_MS);

function run(...args: string[]): Promise<string> {
  return kubectl(node, [...args, "-n", NAMESPACE]);
}

async function viz(...args: string[]): Promise<string> {
  const answer = await mesh?.linkerd(["viz", ...args, "-n", NAMESPACE]);
  expect([answer?.code, answer?.stderr]).toEqual([0, ""]);
  return answer?.stdout ?? "";
}

interface Row {
  readonly success: number | null;
  readonly rps: number | null;
  readonly latency_ms_p50?: number | null;
  readonly latency_ms_p95?: number | null;
  readonly meshed?: string;
}

async function stat(...args: string[]): Promise<Row> {
  const [row] = JSON.parse(await viz("stat", ...args, "-o", "json"));
  return row ?? { success: null, rps: null };
}

test("stat says what the load generator sends, within a hundredth", async () => {
  for (
    const args of [
      ["deploy/web"],
      ["svc/web"],
      ["po/load", "--to", "deploy/web"],
    ]
  ) {
    let row: Row = { success: null, rps: null };
    await waitFor(async () => {
      row = await stat(...args);
      return Math.abs((row.rps ?? 0) - RATE) <= RATE / 100 ? true : null;
    }, {
      what: () => `${RATE} rps of ${args.join(" ")}, last ${row.rps}`,
      timeoutMs: STEADY_MS,
      intervalMs: 2_000,
    });
    expect(row.success).toBe(1);
  }
  expect(await stat("deploy/web")).toMatchObject({ meshed: "2/2" });
});

test("edges and outbound rows name both ends", async () => {
  expect(await viz("edges", "po", "-o", "wide"))
    .toMatch(
      /load +web-\S+ +golden +golden +default\.golden +default\.golden +√/,
    );
  expect(await viz("stat-outbound", "po/load"))
    .toMatch(/^load +web:80 .*100\.00%/m);
  expect(await viz("stat-inbound", "deploy/web"))
    .toMatch(/^web +\[default\]:8080 .*100\.00%/m);
});

/** `linkerd viz` as somebody else; whatever comes of it. */
async function vizAs(user: string, ...args: string[]) {
  const answer = await mesh?.linkerd(["viz", ...args, "--as", user]);
  return answer ?? { code: -1, stdout: "", stderr: "" };
}

test("who may view a namespace is told of it, and of no other", async () => {
  const own = await vizAs(VIEWER, "stat", "deploy", "-n", NAMESPACE);
  expect([own.code, own.stderr]).toEqual([0, ""]);
  expect(own.stdout).toMatch(/^web +2\/2 /m);
  for (
    const args of [
      ["stat", "deploy", "-n", "linkerd"],
      ["stat", "deploy", "-A"],
      ["edges", "po", "-n", "kube-system"],
    ]
  ) {
    const { code, stdout, stderr } = await vizAs(VIEWER, ...args);
    expect([args, code, stdout]).toEqual([args, 1, ""]);
    expect(stderr).toContain(
      `User "${VIEWER}" cannot get resource "metrics" in API group "viz.linkerd.io"`,
    );
  }
});

test("a service account without rights is told nothing", async () => {
  const user = `system:serviceaccount:${NAMESPACE}:default`;
  for (
    const args of [["stat", "deploy"], ["stat-inbound", "deploy/web"]]
  ) {
    const { code, stderr } = await vizAs(user, ...args, "-n", NAMESPACE);
    expect(code).toBe(1);
    expect(stderr).toContain(`User "${user}" cannot get`);
  }
});

/** Lines of a tap, until one of them is of interest. */
async function tapped(...args: string[]): Promise<string> {
  const child = Bun.spawn(
    [process.execPath, MAIN, "viz", "tap", ...args, "-n", NAMESPACE],
    {
      env: { KUBECONFIG: node.kubeconfig },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    },
  );
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of child.stdout) {
    text += decoder.decode(chunk, { stream: true });
    if (text.includes("end id=")) break;
  }
  child.kill();
  await child.exited;
  return text === "" ? await child.stderr.text() : text;
}

test("live requests are shown to who may watch them", async () => {
  expect(await tapped("deploy/web")).toMatch(
    /^req id=\S+ proxy=in +src=\S+ dst=\S+ tls=true :method=GET/m,
  );
  for (const user of [VIEWER, `system:serviceaccount:${NAMESPACE}:default`]) {
    const { code, stdout, stderr } = await vizAs(
      user,
      ...["tap", "deploy/web", "-n", NAMESPACE],
    );
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/cannot watch resource \\?"deployments\/tap/);
  }
});

test("a pod of a namespace that lets nobody tap is not shown", async () => {
  const tap = "viz.linkerd.io/disable-tap";
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "quiet" },
    spec: {
      containers: [{
        name: "app",
        image: imageOf("controller"),
        command: ["bun", "-e", "setInterval(() => {}, 1e9)"],
      }],
    },
  };
  await kubectl(node, ["annotate", "namespace", NAMESPACE, `${tap}=true`]);
  try {
    // The injector hears of it a moment later than we do.
    let described = "";
    await waitFor(async () => {
      await run("delete", "pod/quiet", "--ignore-not-found", "--now", WAIT);
      const create = ["apply", "-f", "-", "-n", NAMESPACE];
      await kubectl(node, create, JSON.stringify(pod));
      described = await run("get", "pod/quiet", "-o", "json");
      return described.includes(`"${tap}": "true"`) || null;
    }, { what: () => `the annotation on ${described}`, timeoutMs: 60_000 });
    expect(described).not.toContain("LINKERD2_PROXY_TAP_SVC_NAME");
    await run("wait", "pod/quiet", "--for=condition=Ready", WAIT);
    await waitFor(async () => {
      const answer = await mesh?.linkerd([
        ...["viz", "tap", "po/quiet", "-n", NAMESPACE],
      ]);
      expect([answer?.code, answer?.stdout]).toEqual([1, ""]);
      const said = `of 1 pod, 1 with tap disabled (${tap})`;
      return answer?.stderr.includes(said) || null;
    }, { what: () => "why it cannot be tapped" });
  } finally {
    await kubectl(node, ["annotate", "namespace", NAMESPACE, `${tap}-`]);
    await run("delete", "pod/quiet", "--ignore-not-found", "--now", WAIT);
  }
});

test("the dashboard is on this machine, with the rights of who starts it", async () => {
  const child = Bun.spawn(
    [process.execPath, MAIN, "viz", "dashboard", "--show=url", "--port=0"],
    {
      env: { KUBECONFIG: node.kubeconfig },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "inherit",
    },
  );
  let said = "";
  for await (const chunk of child.stdout) {
    said += new TextDecoder().decode(chunk);
    if (/http:\S+\n/.test(said)) break;
  }
  const [url = ""] = /http:\S+/.exec(said) ?? [];
  const page = await fetch(url);
  expect(page.status).toBe(200);
  expect(await page.text()).toContain("web");
  const live = await fetch(
    `${url}/tap-events?target=deployment/${NAMESPACE}/web`,
  );
  expect(live.status).toBe(200);
  const reader = live.body?.getReader();
  let rows = "";
  while (!rows.includes('"cells"')) {
    const chunk = await reader?.read();
    expect(chunk?.done).toBe(false);
    rows += new TextDecoder().decode(chunk?.value);
  }
  await reader?.cancel();
  child.kill("SIGTERM");
  expect(await child.exited).toBe(0);
  const { code, stderr } = await vizAs(
    VIEWER,
    ...["dashboard", "--show=url", "--wait=1s", "--port=0"],
  );
  expect(code).toBe(1);
  expect(stderr).toContain('resource "dashboard"');
});

test("a backend that begins to fail is seen within two scrapes", async () => {
  const before = await stat("deploy/web", "-t", "15s");
  expect(before.success).toBe(1);
  const since = performance.now();
  expect(await ask(node, NAMESPACE, "http://web/fail")).toStartWith("500");
  let askedMs = since;
  const failing = await waitFor(async () => {
    askedMs = performance.now();
    const { success } = await stat("deploy/web", "-t", "15s");
    return success !== null && success < 1 ? success : null;
  }, { what: () => "a success rate below 100 %", timeoutMs: 60_000 });
  expect(askedMs - since).toBeLessThan(2 * SCRAPE_MS);
  // One pod of two.
  expect(failing).toBeGreaterThan(0);
  expect(await viz("stat", "po", "-t", "15s")).toMatch(
    /^web-\S+ .* 100\.00% /m,
  );
});

test("percentiles are in the bucket of the load generator's, or beside it", async () => {
  const result = await load?.stop();
  load = null;
  const { p50, p95 } = result?.latencyMs ?? { p50: null, p95: null };
  // All of the run. Not the slowest hundredth: what the generator waits for a turn of a busy machine no proxy can see.
  const row = await stat("svc/web", "-t", "1h");
  const bucketOf = (ms: number | null | undefined) =>
    LATENCY_BOUNDS_MS.findIndex((bound) => (ms ?? Infinity) <= bound);
  for (
    const [ours, its] of [[row.latency_ms_p50, p50], [row.latency_ms_p95, p95]]
  ) {
    expect(Math.abs(bucketOf(ours) - bucketOf(its))).toBeLessThanOrEqual(1);
  }
});
