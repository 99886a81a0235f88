// A node for real: what Kubernetes promises of pods holds on it, and nothing of it stays when it is taken down.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { system } from "../../demo/bed/system.ts";
import { waitFor } from "../../demo/bed/wait.ts";
import { down } from "./down.ts";
import { kubectl, tryKubectl } from "./kubectl.ts";
import { interrupt } from "./interrupt.ts";
import { createLayout, type Layout } from "./layout.ts";
import { CONTAINERD } from "./node/containerd.ts";
import { BUSYBOX_IMAGE } from "./node/images.ts";
import { inside, nodeId } from "./node/namespaces.ts";
import { type NodeCluster, OPEN_TIMEOUT_MS, openNode } from "./open.ts";
import { type Daemon, end, isAlive } from "./process.ts";
import { readRecord } from "./record.ts";
import { say } from "./say.ts";
import { describeStatus } from "./status.ts";

setDefaultTimeout(90_000);

/** Of this file alone: it is broken and taken down here, unlike the one that other files share. */
let folder: string;
let layout: Layout;
let api: NodeCluster;

beforeAll(async () => {
  folder = await mkdtemp(`${tmpdir()}/linkerd-ts-node-`);
  layout = createLayout(`${folder}/home`);
  api = await openNode(layout.home);
  await run("create", "namespace", "shop");
}, OPEN_TIMEOUT_MS);

afterAll(async () => {
  await api.stop();
  await rm(folder, { recursive: true });
}, OPEN_TIMEOUT_MS);

test("status tells every program", async () => {
  const { text, usable } = await describeStatus(layout);
  expect(text).toMatch(/^Kubernetes +v1\.\d+\.\d+, ready$/m);
  for (
    const name of [
      ...["etcd", "kube-apiserver", "kube-controller-manager"],
      ...["kube-scheduler", "node", "containerd", "kubelet", "kube-proxy"],
    ]
  ) expect(text).toMatch(new RegExp(`^${name} +process \\d+$`, "m"));
  expect(usable).toBe(true);
});

test("a pod of two containers gets ready; its logs are read, and commands run in it", async () => {
  await apply(
    pod("pair", { app: "pair" }, [
      container("web", SERVE_NAME, { httpGet: { path: "/", port: 8080 } }),
      container("side", "echo hello from the side; exec sleep 1d"),
    ]),
  );
  await run("wait", "pod/pair", "-n", "shop", "--for=condition=Ready", WAIT);
  expect(await run("logs", "pair", "-c", "side", "-n", "shop"))
    .toBe("hello from the side\n");
  // Containers of a pod share its network.
  expect(await exec("pair", "side", "wget -qO- http://127.0.0.1:8080"))
    .toBe("pair\n");
});

test("a Deployment behind a Service is reached by its name", async () => {
  await apply(WEB_DEPLOYMENT, WEB_SERVICE);
  await run("rollout", "status", "deployment/web", "-n", "shop", WAIT);
  const names = await podsOf("web");
  expect(names).toHaveLength(2);
  expect(await answersOf("web")).toEqual(names);
  expect(await answersOf("web.shop.svc.cluster.local")).toEqual(names);
});

test("from here, a pod is reached through a forwarded port", async () => {
  const forward = Bun.spawn(
    [api.kubectl, "port-forward", "-n", "shop", "service/web", ":80"],
    {
      env: { ...process.env, KUBECONFIG: api.kubeconfig },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "inherit",
    },
  );
  try {
    // Not `for await`: it would close the pipe, and kubectl ends when it cannot tell of a connection.
    const output = forward.stdout.getReader();
    const { value } = await output.read();
    const said = new TextDecoder().decode(value);
    const [, port] = /127\.0\.0\.1:(\d+)/.exec(said) ?? [];
    const answer = await fetch(`http://127.0.0.1:${port}/`);
    expect(await podsOf("web")).toContain((await answer.text()).trim());
  } finally {
    forward.kill();
    await forward.exited;
  }
});

test("a rollout replaces every pod, and the Service follows", async () => {
  const before = await podsOf("web");
  await run("rollout", "restart", "deployment/web", "-n", "shop");
  await run("rollout", "status", "deployment/web", "-n", "shop", WAIT);
  const after = await waitFor(async () => {
    const names = await podsOf("web");
    return names.some((name) => before.includes(name)) ? null : names;
  }, { what: () => "the end of the old pods", timeoutMs: 60_000 });
  expect(after).toHaveLength(2);
  expect(await answersOf("web")).toEqual(after);
});

test("while the API server is away, pods answer; then it goes on as before", async () => {
  const names = await podsOf("web");
  const node = inside(daemon("node"));
  const address = await run(
    ...["get", "service", "web", "-n", "shop", "-o"],
    "jsonpath={.spec.clusterIP}",
  );
  const resume = await interrupt(layout, "kube-apiserver");
  expect(await tryKubectl(api, ["get", "namespaces"])).toMatchObject({
    code: 1,
  });
  const answer = await system([...node, "curl", "-sS", `http://${address}`]);
  expect(names).toContain(answer.trim());
  resume();
  await waitFor(
    async () => (await describeStatus(layout)).usable ? true : null,
    { what: () => "a usable cluster", timeoutMs: 60_000 },
  );
  expect(await podsOf("web")).toEqual(names);
});

test("a Job comes to its end", async () => {
  await apply({
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: "sum", namespace: "shop" },
    spec: {
      template: {
        spec: {
          restartPolicy: "Never",
          containers: [container("sum", "echo $((40 + 2))")],
        },
      },
    },
  });
  await run("wait", "job/sum", "-n", "shop", "--for=condition=Complete", WAIT);
  expect(await run("logs", "job/sum", "-n", "shop")).toBe("42\n");
});

test("a deleted namespace leaves no container, interface or cgroup", async () => {
  // With their sandboxes: three of `pair`, two of each `web`, two of DNS.
  expect((await tasks()).length).toBeGreaterThanOrEqual(9);
  await run("delete", "namespace", "shop", "--timeout=60s");
  // Those of DNS remain: its sandbox, itself, and their cable.
  await waitFor(
    async () => (await tasks()).length === 2 ? true : null,
    { what: () => "two containers that run" },
  );
  const links = await system([
    ...[...inside(daemon("node")), "ip", "-o", "link", "show", "type", "veth"],
  ]);
  expect(links.trim().split("\n")).toHaveLength(2);
  await waitFor(() => podCgroups().length === 1 ? true : null, {
    what: () => `one pod's cgroup, found ${podCgroups().join()}`,
  });
});

test(
  "after everything was killed at once, up starts a new cluster",
  async () => {
    const before = processes();
    await end(recorded());
    api = { ...await openNode(layout.home), stop: api.stop };
    expect(before.filter(isAlive)).toEqual([]);
    const { stderr } = await tryKubectl(api, ["get", "namespace", "shop"]);
    expect(stderr).toContain("not found");
  },
  OPEN_TIMEOUT_MS,
);

test("down leaves no process, mount, interface, cgroup or file", async () => {
  const before = processes();
  // DNS and its sandbox are among them, and what watches over both.
  expect(before.length).toBeGreaterThan(10);
  await api.stop();
  expect(before.filter(isAlive)).toEqual([]);
  expect(readFileSync("/proc/mounts", "utf8")).not.toContain(layout.home);
  expect(existsSync(`/sys/class/net/${nodeId(layout)}`)).toBe(false);
  const mounts = readdirSync("/sys/fs/cgroup").flatMap((hierarchy) =>
    existsSync(`/sys/fs/cgroup/${hierarchy}/${nodeId(layout)}`) ? hierarchy : []
  );
  expect(mounts).toEqual([]);
  expect(existsSync(layout.home)).toBe(false);
}, OPEN_TIMEOUT_MS);

test(
  "an up that is killed half-way leaves nothing that down does not end",
  async () => {
    const main = `${import.meta.dir}/main.ts`;
    const starter = Bun.spawn(["bun", main, "up", "--home", layout.home], {
      stdio: [null, null, null],
    });
    await waitFor(
      () => recorded().some(({ name }) => name === "containerd") || null,
      { what: () => "containerd", timeoutMs: OPEN_TIMEOUT_MS },
    );
    starter.kill("SIGKILL");
    await starter.exited;
    const before = processes();
    expect(await down(layout, say)).toBe(true);
    expect(before.filter(isAlive)).toEqual([]);
    expect(existsSync(`/sys/class/net/${nodeId(layout)}`)).toBe(false);
    expect(existsSync(layout.home)).toBe(false);
  },
  OPEN_TIMEOUT_MS,
);

/** Longer than anything takes on a busy machine, shorter than the test may. */
const WAIT = "--timeout=60s";

/** Answers every request with the name of the pod, from before it is ready until it is told to end. */
const SERVE_NAME = "hostname > /tmp/index.html; exec httpd -f -p 8080 -h /tmp";

function container(name: string, script: string, readinessProbe?: unknown) {
  return {
    name,
    image: BUSYBOX_IMAGE,
    command: ["/bin/sh", "-c", script],
    ...(readinessProbe === undefined
      ? {}
      : { readinessProbe: { ...readinessProbe, periodSeconds: 1 } }),
  };
}

function pod(name: string, labels: unknown, containers: readonly unknown[]) {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "shop", labels },
    spec: { terminationGracePeriodSeconds: 1, containers },
  };
}

const WEB = { app: "web" };

const WEB_DEPLOYMENT = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web", namespace: "shop" },
  spec: {
    replicas: 2,
    selector: { matchLabels: WEB },
    template: {
      metadata: { labels: WEB },
      spec: {
        terminationGracePeriodSeconds: 1,
        containers: [
          container("web", SERVE_NAME, { httpGet: { path: "/", port: 8080 } }),
        ],
      },
    },
  },
};

const WEB_SERVICE = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "web", namespace: "shop" },
  spec: { selector: WEB, ports: [{ port: 80, targetPort: 8080 }] },
};

function run(...args: readonly string[]): Promise<string> {
  return kubectl(api, args);
}

function apply(...items: readonly unknown[]): Promise<string> {
  const list = JSON.stringify({ apiVersion: "v1", kind: "List", items });
  return kubectl(api, ["apply", "-f", "-"], list);
}

function exec(name: string, inContainer: string, script: string) {
  return run(
    ...["exec", name, "-n", "shop", "-c", inContainer, "--"],
    ...["sh", "-c", script],
  );
}

/** Names of a label's pods, sorted. */
async function podsOf(app: string): Promise<string[]> {
  const names = await run(
    ...["get", "pods", "-n", "shop", "-l", `app=${app}`, "-o", "name"],
  );
  return names.trim().split("\n").map((name) => name.replace("pod/", ""))
    .sort();
}

/** Who answers at a name, asked from another pod until both did. */
async function answersOf(host: string): Promise<string[]> {
  const script =
    `for i in $(seq 20); do timeout 5 wget -qO- http://${host}; done`;
  const seen = new Set<string>();
  await waitFor(async () => {
    const { stdout } = await tryKubectl(api, [
      ...["exec", "pair", "-n", "shop", "-c", "side", "--", "sh", "-c", script],
    ]);
    for (const name of stdout.trim().split("\n")) seen.add(name);
    return seen.size >= 2 ? true : null;
  }, { what: () => `two pods behind ${host}, saw ${[...seen].join()}` });
  return [...seen].sort();
}

function recorded(): readonly Daemon[] {
  return readRecord(layout.record)?.daemons ?? [];
}

function daemon(name: string): Daemon {
  const found = recorded().find((each) => each.name === name);
  if (found === undefined) throw new Error(`no ${name} runs`);
  return found;
}

async function tasks(): Promise<string[]> {
  const list = await system([
    ...[...inside(daemon("node")), "ctr", "--address", CONTAINERD],
    ...["-n", "k8s.io", "tasks", "list", "-q"],
  ]);
  return list.trim().split("\n");
}

/** Of version 1, or of version 2. */
function podCgroups(): string[] {
  const roots = ["/sys/fs/cgroup/memory", "/sys/fs/cgroup"]
    .map((folder) => `${folder}/${nodeId(layout)}`).filter(existsSync);
  return readdirSync(roots[0] ?? "", { recursive: true, encoding: "utf8" })
    .filter((path) => /\/pod[^/]+$/.test(path));
}

/** All that runs in the cluster: on its network, in a cgroup of its pods, or as recorded. */
function processes(): Daemon[] {
  const network = namespaceOf(daemon("node").pid);
  return readdirSync("/proc").filter((pid) => /^\d+$/.test(pid))
    .filter((pid) =>
      namespaceOf(pid) === network ||
      read(`/proc/${pid}/cgroup`).includes(`/${nodeId(layout)}/`)
    ).flatMap((pid) => {
      const ticks = read(`/proc/${pid}/stat`).split(") ")[1]?.split(" ")[19];
      return ticks === undefined
        ? []
        : [{ name: pid, pid: Number(pid), startTicks: ticks }];
    });
}

function namespaceOf(pid: number | string): string | null {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return null; // It has ended since.
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
