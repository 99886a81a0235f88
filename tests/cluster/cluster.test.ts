import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { waitFor } from "../../demo/bed/wait.ts";
import { kubectl, tryKubectl } from "./kubectl.ts";
import { createLayout, type Layout } from "./layout.ts";
import { OPEN_TIMEOUT_MS } from "./open.ts";
import { readRecord, writeRecord } from "./record.ts";
import { accessOf } from "./starter.ts";

/** Of this file alone: it is broken and taken down here, unlike the one that other files share. */
let layout: Layout;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(`${tmpdir()}/linkerd-ts-cluster-`);
  layout = createLayout(`${folder}/home`);
});

afterAll(async () => {
  await cluster("down");
  await rm(folder, { recursive: true });
}, OPEN_TIMEOUT_MS);

test("before the first up there is nothing to see and nothing to end", async () => {
  expect(await cluster("status")).toMatchObject({
    code: 1,
    stdout: "no cluster is up\n",
  });
  const kubeconfig = await cluster("kubeconfig");
  expect(kubeconfig).toMatchObject({ code: 1, stdout: "" });
  expect(kubeconfig.stderr).toContain("npm run cluster -- up");
  expect(await cluster("down")).toMatchObject({
    code: 0,
    stderr: "cluster: no cluster was up\n",
  });
});

test(
  "two ups at the same time, and one after them, start one cluster",
  async () => {
    const both = await Promise.all([up(), up()]);
    const starts = both.filter(({ stderr }) => stderr.includes(" is up:"));
    expect(starts).toHaveLength(1);
    const before = running();
    expect(before).toHaveLength(3);
    expect((await up()).stderr).toContain("was already up");
    expect(running()).toEqual(before);
    const { code, stdout } = await cluster("status");
    expect(stdout).toMatch(/^Kubernetes +v1\.\d+\.\d+, ready$/m);
    expect(code).toBe(0);
  },
  OPEN_TIMEOUT_MS,
);

test("kubectl and the API server are the version that the module names", async () => {
  const module = await Bun.file(`${import.meta.dir}/programs/go.mod`).text();
  const wanted = /k8s\.io\/kubernetes (v\S+)/.exec(module)?.[1];
  const text = await kubectl(access(), ["version", "-o", "json"]);
  const { clientVersion, serverVersion } = JSON.parse(text);
  expect(clientVersion.gitVersion).toBe(wanted);
  expect(serverVersion.gitVersion).toBe(wanted);
});

test("a service account's token is who it says, and may do only what RBAC grants", async () => {
  await kubectl(access(), ["create", "namespace", "rbac"]);
  await kubectl(access(), ["create", "serviceaccount", "reader", "-n", "rbac"]);
  await kubectl(access(), [
    ..."create rolebinding reader -n rbac --clusterrole=view".split(" "),
    "--serviceaccount=rbac:reader",
  ]);
  const token = await kubectl(access(), [
    "create",
    "token",
    "reader",
    "-n",
    "rbac",
  ]);
  // The administrator's certificate would win over a token: a kubeconfig without it.
  const kubeconfig = `${folder}/token-only`;
  await Bun.write(kubeconfig, withoutCertificate(layout.kubeconfig));
  const asReader = (...args: string[]) =>
    tryKubectl({ ...access(), kubeconfig }, [`--token=${token}`, ...args]);
  const who = await asReader("auth", "whoami", "-o", "yaml");
  expect(await asReader("get", "pods", "-n", "rbac")).toMatchObject({
    code: 0,
  });
  const refused = await asReader("get", "pods", "-n", "default");
  expect(refused.stderr).toContain('User "system:serviceaccount:rbac:reader"');
  expect(refused.stderr).toContain("Forbidden");
  expect(who.stdout).toContain("username: system:serviceaccount:rbac:reader");
});

test("a deleted namespace goes, with what is in it", async () => {
  await kubectl(access(), ["create", "namespace", "short"]);
  await kubectl(access(), ["create", "configmap", "one", "-n", "short"]);
  await kubectl(access(), ["delete", "namespace", "short", "--timeout=60s"]);
  const { stdout } = await tryKubectl(access(), ["get", "namespaces"]);
  expect(stdout).not.toContain("short");
}, OPEN_TIMEOUT_MS);

test(
  "up makes a new cluster after etcd and the API server were killed",
  async () => {
    const before = running();
    for (const { name, pid } of readRecord(layout.record)?.daemons ?? []) {
      if (name !== "kube-controller-manager") process.kill(pid, "SIGKILL");
    }
    const { stderr } = await up();
    expect(stderr).toContain("etcd, kube-apiserver");
    expect(stderr).toContain(" is up:");
    const after = running();
    expect(after).toHaveLength(3);
    expect(after.filter((pid) => before.includes(pid))).toEqual([]);
    const namespaces = await kubectl(access(), ["get", "namespaces"]);
    expect(namespaces).not.toContain("rbac");
  },
  OPEN_TIMEOUT_MS,
);

test("down leaves no process and no file", async () => {
  expect(await cluster("down")).toMatchObject({ code: 0 });
  expect(running()).toEqual([]);
  expect(existsSync(layout.home)).toBe(false);
  expect(await cluster("status")).toMatchObject({ code: 1 });
}, OPEN_TIMEOUT_MS);

test(
  "an up that is killed half-way leaves nothing that down does not end",
  async () => {
    const starter = Bun.spawn(command("up", "--api-only"), {
      stdio: [null, null, null],
    });
    await waitFor(
      () => readRecord(layout.record)?.daemons.length === 2 ? true : null,
      { what: () => "two processes of a cluster", timeoutMs: OPEN_TIMEOUT_MS },
    );
    starter.kill("SIGKILL");
    await starter.exited;
    expect(running()).toHaveLength(2);
    expect(await cluster("down")).toMatchObject({ code: 0 });
    expect(running()).toEqual([]);
    expect(existsSync(layout.home)).toBe(false);
  },
  OPEN_TIMEOUT_MS,
);

test("down spares a process that has the number of an ended one", async () => {
  const stranger = Bun.spawn(["sleep", "60"]);
  try {
    writeRecord(layout.record, {
      version: "v1.0.0",
      programs: folder,
      ports: { etcd: 1, etcdPeer: 2, api: 3 },
      daemons: [{ name: "etcd", pid: stranger.pid, startTicks: "1" }],
    });
    expect(await cluster("down")).toMatchObject({ code: 0 });
    expect(stranger.exitCode).toBeNull();
    expect(stranger.signalCode).toBeNull();
  } finally {
    stranger.kill();
    await stranger.exited;
  }
});

test("a folder with other files is neither used nor removed", async () => {
  const file = `${layout.home}/precious`;
  await Bun.write(file, "kept");
  for (const args of [["up", "--api-only"], ["down"]]) {
    const { code, stderr } = await cluster(...args);
    expect(code).toBe(1);
    expect(stderr).toContain("files that are not a cluster's");
  }
  expect(await Bun.file(file).text()).toBe("kept");
  await rm(file);
});

test("a command it does not know, or a start it cannot make, is refused with what there is", async () => {
  for (const args of [["restart"], ["up", "now"], ["status", "--wide"], []]) {
    const { code, stderr } = await cluster(...args);
    expect(code).toBe(1);
    expect(stderr).toContain("print the path of the administrator");
  }
});

function command(...args: readonly string[]): string[] {
  const main = `${import.meta.dir}/main.ts`;
  return ["bun", main, ...args, "--home", layout.home];
}

async function cluster(...args: readonly string[]) {
  const child = Bun.spawn(command(...args), { stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  return { code, stdout, stderr };
}

async function up() {
  const answer = await cluster("up", "--api-only");
  expect(answer).toMatchObject({
    code: 0,
    stdout: `export KUBECONFIG=${layout.kubeconfig}\n`,
  });
  return answer;
}

function access() {
  const record = readRecord(layout.record);
  if (record === null) throw new Error("the cluster is not up");
  return accessOf(layout, record);
}

/** Ids of all processes of this cluster, recorded or not: each is told its files. */
function running(): string[] {
  return readdirSync("/proc").filter((pid) =>
    /^\d+$/.test(pid) && commandLine(pid).includes(`=${layout.home}/`)
  );
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return ""; // It has ended since.
  }
}

function withoutCertificate(path: string): string {
  return readFileSync(path, "utf8").split("\n")
    .filter((line) => !line.includes("client-")).join("\n");
}
