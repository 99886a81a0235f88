// What `linkerd viz check` and `list` say of a mesh on a node, of pods that let nobody in, and of what Linkerd's own viz
// extension left there.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { CheckResult } from "../../cli/check/outcome.ts";
import { kubectl } from "./kubectl.ts";
import { type NodeCluster, OPEN_TIMEOUT_MS, openNode } from "./open.ts";
import {
  INSTALL_TIMEOUT_MS,
  installMesh,
  type Mesh,
} from "./testing/installed.ts";
import { toList } from "./testing/manifests.ts";
import { namespaceOf, SERVE_NAME, workload } from "./testing/workload.ts";

setDefaultTimeout(300_000);
const NAMESPACE = "viz-shut";
const DENY = { "config.linkerd.io/default-inbound-policy": "deny" };
/** As Linkerd's extension labels what it is made of. */
const EXTENSION = { "linkerd.io/extension": "viz" };

let node: NodeCluster;
let mesh: Mesh | null = null;

beforeAll(async () => {
  node = await openNode();
  mesh = await installMesh(node);
  await apply(
    namespaceOf(NAMESPACE),
    ...workload({
      namespace: NAMESPACE,
      name: "web",
      script: SERVE_NAME,
      annotations: DENY,
    }),
  );
  await kubectl(node, [
    ...["rollout", "status", "deployment/web", "-n", NAMESPACE],
    "--timeout=3m",
  ]);
}, OPEN_TIMEOUT_MS + INSTALL_TIMEOUT_MS);

afterAll(async () => {
  await kubectl(node, [
    ...["delete", "namespace", NAMESPACE, "old-viz", "--ignore-not-found"],
    "--timeout=2m",
  ]);
  await mesh?.uninstall();
  await node.stop();
}, OPEN_TIMEOUT_MS + INSTALL_TIMEOUT_MS);

async function apply(...items: readonly unknown[]): Promise<void> {
  await kubectl(node, ["apply", "-f", "-"], toList(items));
}

async function viz(...args: string[]): Promise<string> {
  const answer = await mesh?.linkerd(["viz", ...args]);
  expect([answer?.code, answer?.stderr]).toEqual([0, ""]);
  return answer?.stdout ?? "";
}

/** What a check of this moment finds that is not well; nothing of it is a failure. */
async function faults(...args: string[]): Promise<readonly CheckResult[]> {
  const said = await viz("check", "--wait=0s", "-o", "json", ...args);
  const { categories } = JSON.parse(said) as {
    categories: { checks: CheckResult[] }[];
  };
  return categories.flatMap(({ checks }) => checks)
    .filter(({ result }) => result !== "success");
}

test("a new mesh is well", async () => {
  expect(await viz("check", "--wait=2m")).toMatch(
    /^linkerd-viz\n-+\n(√ .*\n){13}\nStatus check results are √\n$/,
  );
  expect(await viz("list", "-n", NAMESPACE)).toMatch(
    /^Pods with tap enabled:\n\t\* viz-shut\/web-\S+\n$/,
  );
});

test("pods that let nobody in send no metrics until allow-scrapes", async () => {
  const proxy = ["--proxy", "-n", NAMESPACE];
  expect(await faults(...proxy)).toEqual([
    {
      description: "prometheus is authorized to scrape data plane pods",
      error: expect.stringMatching(/:\n\t\* web-\S+\nconsider running/),
      hint: expect.stringMatching(/#l5d-viz-data-plane-prom-authz$/),
      result: "warning",
    },
    {
      description: "data plane proxy metrics are present in Prometheus",
      error: expect.stringMatching(
        /^Data plane metrics not found for viz-shut/,
      ),
      hint: expect.stringMatching(/#l5d-data-plane-prom$/),
      result: "warning",
    },
  ]);
  const manifests = await viz("allow-scrapes", "-n", NAMESPACE);
  await kubectl(node, ["apply", "-f", "-"], manifests);
  expect(await viz("check", ...proxy, "--wait=2m", "-o", "short")).toBe(
    "Status check results are √\n",
  );
});

test("what Linkerd's extension left is named, and can be deleted", async () => {
  await apply(
    {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: "old-viz", labels: EXTENSION },
    },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRole",
      metadata: { name: "linkerd-old-viz-tap", labels: EXTENSION },
      rules: [],
    },
  );
  expect(await faults()).toMatchObject([
    { description: "no viz extension of Linkerd is left" },
  ]);
  const left = await viz("uninstall");
  expect(left.match(/^kind: .*$/gm)).toEqual([
    "kind: ClusterRole",
    "kind: Namespace",
  ]);
  await kubectl(node, ["delete", "-f", "-", "--timeout=2m"], left);
  expect(await faults()).toEqual([]);
  expect(await mesh?.linkerd(["viz", "uninstall"])).toMatchObject({
    code: 1,
    stdout: "",
    stderr: "No resources found to uninstall\n",
  });
});
