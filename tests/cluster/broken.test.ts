// A mesh on a node with something broken: `linkerd check` finds it and points at the remedy, what is not broken works
// on, and the remedy helps. What can be broken without pods is in check.test.ts.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { system } from "../../demo/bed/system.ts";
import { waitFor } from "../../demo/bed/wait.ts";
import { DEFAULT_REGISTRY } from "../../schemas/values/proxy-defaults.ts";
import { VERSION } from "../../schemas/version.ts";
import type { CheckResult } from "../../cli/check/outcome.ts";
import { compact } from "./compact.ts";
import { interrupt } from "./interrupt.ts";
import { kubectl, tryKubectl } from "./kubectl.ts";
import { createLayout } from "./layout.ts";
import { CONTAINERD } from "./node/containerd.ts";
import { BUSYBOX_IMAGE } from "./node/images.ts";
import { inside } from "./node/namespaces.ts";
import {
  type ApiServer,
  OPEN_TIMEOUT_MS,
  openApiServer,
  openNode,
} from "./open.ts";
import { holds, NODE_READY, type Question, READY } from "./ready.ts";
import { readRecord } from "./record.ts";
import {
  INSTALL_TIMEOUT_MS,
  installMesh,
  linkerd,
  type Mesh,
  tryLinkerd,
} from "./testing/installed.ts";
import { toList } from "./testing/manifests.ts";
import { namespaceOf, SERVE_NAME, workload } from "./testing/workload.ts";

setDefaultTimeout(600_000);

const NAMESPACE = "broken-shop";
/** How long the API server stays away before it is started again. */
const AWAY_MS = 120_000;

let node: ApiServer;
let mesh: Mesh;

beforeAll(async () => {
  node = await openNode();
  mesh = await installMesh(node);
  const web = { name: "web", script: SERVE_NAME, port: 8080 };
  await apply(
    namespaceOf(NAMESPACE),
    ...workload({ namespace: NAMESPACE, ...web }),
    ...workload({ namespace: NAMESPACE, name: "caller", script: CALL }),
  );
  for (const name of ["web", "caller"]) await rolledOut(name);
}, OPEN_TIMEOUT_MS + INSTALL_TIMEOUT_MS);

afterAll(async () => {
  await kubectl(node, ["delete", "namespace", NAMESPACE, "--timeout=2m"]);
  await mesh.uninstall();
  await node.stop();
}, INSTALL_TIMEOUT_MS);

test("an old proxy is named, with both versions", async () => {
  const image = `${DEFAULT_REGISTRY}/proxy`;
  const { daemons = [] } = readRecord(layout().record) ?? {};
  const machine = daemons.find(({ name }) => name === "node");
  if (machine === undefined) throw new Error("there is no node");
  await system([
    ...[...inside(machine), "ctr", "--address", CONTAINERD, "-n", "k8s.io"],
    ...["images", "tag", "--force", `${image}:${VERSION}`, `${image}:0.0.9`],
  ]);
  const annotations = { "config.linkerd.io/proxy-version": "0.0.9" };
  await apply(...workload({
    namespace: NAMESPACE,
    name: "old",
    script: "exec sleep 1d",
    annotations,
  }));
  await rolledOut("old");
  const fault = await onlyFault("--proxy", "-n", NAMESPACE);
  expect(fault).toEqual({
    description: "data plane and cli versions match",
    error: expect.stringMatching(
      new RegExp(`old-.* running 0.0.9 but cli running ${VERSION}`),
    ),
    hint: expect.stringMatching(/#l5d-data-plane-cli-version$/),
    result: "warning",
  });
  expect(await remedyOf(fault)).toContain("Restart its workload");
  await run("delete", "deployment/old", "-n", NAMESPACE);
});

test("a crashed injector is found", async () => {
  // Recreate: else the one before would stay until the next is ready.
  await run("patch", "deployment/linkerd-proxy-injector", ...[
    ...["-n", "linkerd", "--type=json", "-p"],
    JSON.stringify([
      {
        op: "replace",
        path: "/spec/strategy",
        value: { type: "Recreate" },
      },
      {
        op: "replace",
        path: `/spec/template/spec/containers/${await placeOf(
          "proxy-injector",
        )}/args`,
        value: ["proxy-injector", "--no-such-flag"],
      },
    ]),
  ]);
  await waitFor(async () => {
    const pods = await run(...["get", "pods", "-n", "linkerd", "-o", "wide"]);
    return /proxy-injector\S+ .*(Error|CrashLoopBackOff)/.test(pods)
      ? true
      : null;
  }, { what: () => "the injector's crash", timeoutMs: 120_000 });

  const { code, found } = await faults();
  expect(code).toBe(1);
  const fault = found.find(({ description }) =>
    description === "control plane pods are ready"
  );
  expect(fault).toEqual({
    description: "control plane pods are ready",
    error: expect.stringContaining("proxy-injector"),
    hint: expect.stringMatching(/#l5d-api-control-ready$/),
    result: "error",
  });
  expect(await remedyOf(fault)).toContain("kubectl -n linkerd logs");
});

test("without it pods start, without a proxy", async () => {
  await apply(...workload({
    namespace: NAMESPACE,
    name: "bare",
    script: "exec sleep 1d",
  }));
  await rolledOut("bare");
  const names = await run(
    ...["get", "pods", "-n", NAMESPACE, "-l", "app=bare", "-o"],
    "jsonpath={.items[*].spec['initContainers','containers'][*].name}",
  );
  expect(names).toBe("app");
});

test("with a failurePolicy of Fail they are refused, in words that say by whom", async () => {
  await patchWebhook("Fail");
  const pod = JSON.stringify({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "refused", namespace: NAMESPACE },
    spec: { containers: [{ name: "app", image: BUSYBOX_IMAGE }] },
  });
  // The API server takes a moment to know of the change; none of these pods is kept.
  const refusal = await waitFor(async () => {
    const args = ["create", "--dry-run=server", "-f", "-"];
    const { code, stderr } = await tryKubectl(node, args, pod);
    return code === 0 ? null : stderr;
  }, { what: () => "a refusal", timeoutMs: 60_000 });
  expect(refusal).toContain(
    'failed calling webhook "linkerd-proxy-injector.linkerd.io"',
  );
  await patchWebhook("Ignore");
});

test("an upgrade mends the injector; what has no proxy is named until it is restarted", async () => {
  await kubectl(node, ["apply", "-f", "-"], await linkerd(node, ["upgrade"]));
  await run(
    ...["rollout", "status", "deployment/linkerd-proxy-injector"],
    ...["-n", "linkerd", "--timeout=3m"],
  );
  await linkerd(node, ["check", "--wait=3m", "--output=short"]);
  const fault = await onlyFault();
  expect(fault).toEqual({
    description: "pods that should be meshed are",
    error: expect.stringMatching(
      new RegExp(`\\* ${NAMESPACE}/bare-.*: it was made .*: restart it`),
    ),
    hint: expect.stringMatching(/#l5d-injection-unmeshed-pods$/),
    result: "warning",
  });
  expect(await remedyOf(fault)).toContain("kubectl rollout restart deploy");

  await run("rollout", "restart", "deployment/bare", "-n", NAMESPACE);
  await rolledOut("bare");
  await waitFor(
    async () => (await faults()).found.length === 0 ? true : null,
    { what: () => "a check without faults", timeoutMs: 60_000 },
  );
});

test("while the API server is away for minutes calls are answered, and check says what is away; without its history, too, all then goes on", async () => {
  const before = await answers();
  expect(before.failed).toBe(0);
  const restartsBefore = await restarts();
  const versionBefore = await versionOfPods();

  const resumeServer = await interrupt(layout(), "kube-apiserver");
  // Kubernetes' own would look for it more and more seldom, and take the node, which they have not heard of for 50 s,
  // for dead: they, too, are started again, so that ours is what is seen.
  const resumeOthers = [
    await interrupt(layout(), "kube-controller-manager"),
    await interrupt(layout(), "kube-scheduler"),
  ];
  const back = Bun.sleep(AWAY_MS);
  try {
    const { code, found } = await faults();
    expect(code).toBe(1);
    expect(found).toEqual([{
      description: "can query the Kubernetes API",
      error: expect.stringContaining(node.server.replace("https://", "")),
      hint: expect.stringMatching(/#k8s-api$/),
      result: "error",
    }]);
    expect(await remedyOf(found[0])).toContain("kubectl version");
    await back;
    await compact(layout());
  } finally {
    resumeServer();
    await untilHolds(READY);
    for (const resume of resumeOthers) resume();
  }
  await untilHolds(NODE_READY);

  const since = `resourceVersion=${versionBefore}&watch=1&timeoutSeconds=1`;
  const { stdout, stderr } = await tryKubectl(node, [
    ...["get", "--raw", `/api/v1/pods?${since}`],
  ]);
  expect(stdout + stderr).toContain("too old resource version");
  await run("scale", "deployment/web", "--replicas=3", "-n", NAMESPACE);
  await rolledOut("web");
  await waitFor(async () => (await answers()).pods.size === 3 ? true : null, {
    what: () => "answers of three pods",
    timeoutMs: 120_000,
  });
  const after = await answers();
  expect(after.failed).toBe(0);
  expect(after.answered).toBeGreaterThan(before.answered + 30);
  expect(await restarts()).toBe(restartsBefore);
  await linkerd(node, ["check", "--proxy", "--wait=2m", "--output=short"]);
});

test("a node whose clock is wrong is named before an install", async () => {
  // The other cluster: there is no kubelet and no controller that would say at once how the node is.
  const alone = await openApiServer();
  const name = "broken-clock";
  await kubectl(
    alone,
    ["create", "-f", "-"],
    JSON.stringify({
      apiVersion: "v1",
      kind: "Node",
      metadata: { name },
    }),
  );
  try {
    const hourAgo = new Date(Date.now() - 3_600_000).toISOString();
    const ready = {
      type: "Ready",
      status: "True",
      lastHeartbeatTime: hourAgo.replace(/\.\d+/, ""),
      lastTransitionTime: hourAgo.replace(/\.\d+/, ""),
    };
    await kubectl(alone, [
      ...["patch", "node", name, "--subresource=status", "-p"],
      JSON.stringify({ status: { conditions: [ready] } }),
    ]);
    const { found } = await faultsOf(alone, "--pre");
    const skew = found.find(({ hint = "" }) => hint.includes("clock-skew"));
    expect(skew?.error).toBe(`clock skew detected for node(s): ${name}`);
    expect(skew?.hint).toEndWith("#pre-k8s-clock-skew");
    expect(await remedyOf(skew)).toContain("date -u");
  } finally {
    await kubectl(alone, ["delete", "node", name]);
    await alone.stop();
  }
});

/** Asks again and again, and tells who answered. */
const CALL =
  `until timeout 5 wget -q -O /dev/null http://web; do sleep 0.1; done
while true; do timeout 10 wget -q -O - http://web || echo failed; sleep 0.05; done`;

/** Of all pods together, from which a watch could go on. */
async function versionOfPods(): Promise<string> {
  const list = await run("get", "--raw", "/api/v1/pods?limit=1");
  return (JSON.parse(list) as { metadata: { resourceVersion: string } })
    .metadata.resourceVersion;
}

/** What the caller was answered so far. */
async function answers(): Promise<
  { answered: number; failed: number; pods: ReadonlySet<string> }
> {
  const log = await run(
    ...["logs", "deployment/caller", "-c", "app", "-n", NAMESPACE],
  );
  const lines = log.trim().split("\n");
  const good = lines.filter((line) => line.startsWith("web-"));
  return {
    answered: good.length,
    failed: lines.filter((line) => line === "failed").length,
    pods: new Set(good),
  };
}

/** What a check found that is not well; with the exit code. */
function faults(...args: readonly string[]) {
  return faultsOf(node, ...args);
}

async function faultsOf(
  access: ApiServer,
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly found: readonly CheckResult[] }> {
  const { code, stdout } = await tryLinkerd(access, [
    ...["check", "--wait=0s", "--output=json", ...args],
  ]);
  const { categories } = JSON.parse(stdout) as {
    categories: { checks: CheckResult[] }[];
  };
  const found = categories.flatMap(({ checks }) => checks)
    .filter(({ result }) => result !== "success");
  return { code, found };
}

/** Waits until a check finds one thing alone that is not well, and does not fail of it; a busy machine may show others. */
async function onlyFault(...args: readonly string[]): Promise<CheckResult> {
  let seen: readonly CheckResult[] = [];
  return await waitFor(async () => {
    const { code, found } = await faults(...args);
    seen = found;
    const [fault, ...others] = found;
    return code === 0 && others.length === 0 ? fault ?? null : null;
  }, {
    what: () =>
      `one fault, found ${
        seen.map(({ description }) => description).join() || "none"
      }`,
    timeoutMs: 60_000,
  });
}

/** What our pages say where the hint of a fault points. */
async function remedyOf(fault: CheckResult | undefined): Promise<string> {
  const [, anchor] = (fault?.hint ?? "").split("#");
  const page = await readFile(
    `${import.meta.dir}/../../docs/checks.md`,
    "utf8",
  );
  const [, section = ""] = page.split(`<a id="${anchor}"></a>`);
  return section.split("\n#")[0]?.split("**Remedy.**")[1] ?? "";
}

function layout() {
  return createLayout(dirname(node.kubeconfig));
}

/** The position of a container in the injector's pod: its proxy may stand before it. */
async function placeOf(container: string): Promise<number> {
  const names = await run(
    ...["get", `deployment/linkerd-${container}`, "-n", "linkerd", "-o"],
    "jsonpath={.spec.template.spec.containers[*].name}",
  );
  return names.split(" ").indexOf(container);
}

async function untilHolds(question: Question): Promise<void> {
  await waitFor(async () => await holds(node, question) ? true : null, {
    what: () => `${question.what} again`,
    timeoutMs: 120_000,
  });
}

async function patchWebhook(failurePolicy: string): Promise<void> {
  const path = "/webhooks/0/failurePolicy";
  await run(
    "patch",
    "mutatingwebhookconfiguration/linkerd-proxy-injector-webhook-config",
    ...["--type=json", "-p"],
    JSON.stringify([{ op: "replace", path, value: failurePolicy }]),
  );
}

/** How often each container of the control plane was restarted. */
function restarts(): Promise<string> {
  return run(
    ...["get", "pods", "-n", "linkerd", "-o"],
    "jsonpath={.items[*].status.containerStatuses[*].restartCount}",
  );
}

async function rolledOut(name: string): Promise<void> {
  await run(
    ...["rollout", "status", `deployment/${name}`, "-n", NAMESPACE],
    "--timeout=3m",
  );
}

function run(...args: readonly string[]): Promise<string> {
  return kubectl(node, args);
}

function apply(...items: readonly unknown[]): Promise<string> {
  return kubectl(node, ["apply", "-f", "-"], toList(items));
}
