// The injector is replaced while pods are made: each of them gets its proxy, for who misses one is never told.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { kubectl } from "./kubectl.ts";
import { type NodeCluster, OPEN_TIMEOUT_MS, openNode } from "./open.ts";
import {
  INSTALL_TIMEOUT_MS,
  installMesh,
  type Mesh,
} from "./testing/installed.ts";
import { namespaceOf } from "./testing/workload.ts";

setDefaultTimeout(300_000);
const NAMESPACE = "replaced";
const INJECTOR = "linkerd-proxy-injector";
const WAIT = "--timeout=240s";
/** Pods per kubectl, and how many of them at a time: some forty pods a second. */
const BATCH = 10;
const MAKERS = 4;

let node: NodeCluster;
let mesh: Mesh | null = null;

beforeAll(async () => {
  node = await openNode();
  mesh = await installMesh(node);
  await apply(namespaceOf(NAMESPACE));
}, OPEN_TIMEOUT_MS + INSTALL_TIMEOUT_MS);

afterAll(async () => {
  await kubectl(node, [
    ...["delete", "namespace", NAMESPACE, "--ignore-not-found", WAIT],
  ]);
  await mesh?.uninstall();
  await node.stop();
}, OPEN_TIMEOUT_MS + INSTALL_TIMEOUT_MS);

test("a rolling restart of the injector lets no pod through without a proxy", async () => {
  const before = await injectors();
  const isOver = async () => {
    const now = await injectors();
    return now.length === 1 && !before.includes(now[0] ?? "");
  };
  const [counts] = await Promise.all([
    Promise.all(
      Array.from({ length: MAKERS }, (_, maker) => makePods(maker, isOver)),
    ),
    restart(),
  ]);
  const made = counts.reduce((sum, count) => sum + count, 0);
  const { items } = JSON.parse(
    await kubectl(node, ["get", "pods", "-n", NAMESPACE, "-o", "json"]),
  ) as { readonly items: readonly Pod[] };
  const unmeshed = items.filter(({ spec }) =>
    ![...spec.initContainers ?? [], ...spec.containers]
      .some(({ name }) => name === "linkerd-proxy")
  );
  process.stderr.write(
    `replaced: ${unmeshed.length} of ${made} pods without a proxy\n`,
  );
  expect(items).toHaveLength(made);
  expect(unmeshed.map(({ metadata }) => metadata.name)).toEqual([]);
});

interface Pod {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly containers: readonly { readonly name: string }[];
    readonly initContainers?: readonly { readonly name: string }[];
  };
}

async function restart(): Promise<void> {
  const name = `deployment/${INJECTOR}`;
  await kubectl(node, ["rollout", "restart", name, "-n", "linkerd"]);
  await kubectl(node, ["rollout", "status", name, "-n", "linkerd", WAIT]);
}

async function injectors(): Promise<string[]> {
  const label = "linkerd.io/control-plane-component=proxy-injector";
  const names = await kubectl(node, [
    ...["get", "pods", "-n", "linkerd", "-l", label, "-o", "name"],
  ]);
  return names.trim().split("\n");
}

/** Makes pods that never start, a few at a time, until there is an end to it; returns how many. */
async function makePods(
  maker: number,
  isOver: () => Promise<boolean>,
): Promise<number> {
  let made = 0;
  do {
    const name = () => `pod-${maker}-${made++}`;
    await apply(...Array.from({ length: BATCH }, () => pod(name())));
  } while (!await isOver());
  return made;
}

function pod(name: string): unknown {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: NAMESPACE },
    spec: {
      // The scheduler leaves it alone: what admission made of it is all that is asked.
      schedulingGates: [{ name: "tests.linkerd.io/never" }],
      containers: [{ name: "app", image: "none" }],
    },
  };
}

async function apply(...items: readonly unknown[]): Promise<void> {
  const list = JSON.stringify({ apiVersion: "v1", kind: "List", items });
  await kubectl(node, ["create", "-f", "-"], list);
}
