// What `linkerd viz` says of a cluster, beside what a load generator sends there.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { waitFor } from "../../demo/bed/wait.ts";
import { kubectl } from "./kubectl.ts";
import { type NodeCluster, OPEN_TIMEOUT_MS, openNode } from "./open.ts";
import {
  INSTALL_TIMEOUT_MS,
  installMesh,
  type Mesh,
} from "./testing/installed.ts";
import { createTraffic, type Load, startLoad } from "./testing/load.ts";

setDefaultTimeout(300_000);
const NAMESPACE = "golden";
const RATE = 50;
const WAIT = "--timeout=240s";
/** A window, and some scrapes, until all of it is under load. */
const STEADY_MS = 180_000;

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
    .toMatch(/load +web-\S+ +golden +golden +default\.golden +√/);
  expect(await viz("stat-outbound", "po/load"))
    .toMatch(/^load +web:80 .*100\.00%/m);
  expect(await viz("stat-inbound", "deploy/web"))
    .toMatch(/^web +\[default\]:8080 .*100\.00%/m);
});
