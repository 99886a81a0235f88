// `linkerd check` against a real API server: before an install, after it, and with something broken. No kubelet is
// there, so that the test starts pods in its place, by writing the status that one would write.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeAuthority, makeServer } from "../../cli/certificates/make.ts";
import type { CheckResult } from "../../cli/check/outcome.ts";
import { podOf, type Template } from "../../cli/check/testing/mesh.ts";
import type { World } from "../../cli/command.ts";
import { run } from "../../cli/program.ts";
import { VERSION } from "../../schemas/version.ts";
import { kubectl } from "./kubectl.ts";
import { type ApiServer, OPEN_TIMEOUT_MS, openApiServer } from "./open.ts";
import { type ServedMetrics, serveMetrics } from "./testing/metrics.ts";

// Applying everything takes seconds, on a busy machine many.
setDefaultTimeout(60_000);
const NOW = Date.now();
const YEAR_MS = 365 * 24 * 3_600_000;

/** Of this file alone: it must be new, and is broken in many ways. */
let api: ApiServer;
let folder = "";
let crds = "";
let mesh = "";
let metrics: ServedMetrics | null = null;

beforeAll(async () => {
  folder = await mkdtemp(`${tmpdir()}/linkerd-ts-check-`);
  api = await openApiServer(`${folder}/home`);
  const install = ["install", "--ignore-cluster"];
  crds = (await linkerd(
    ...install,
    "--crds",
    "--set",
    "installGatewayAPI=true",
  )).stdout;
  mesh = (await linkerd(...install)).stdout;
}, OPEN_TIMEOUT_MS);

afterAll(async () => {
  await metrics?.close();
  await api.stop();
  await rm(folder, { recursive: true });
});

/** Runs a command line in this process, against the test's API server. */
async function linkerd(
  ...args: string[]
): Promise<{ readonly code: number; readonly stdout: string }> {
  const printed: string[] = [];
  const world: World = {
    env: { KUBECONFIG: api.kubeconfig },
    colour: false,
    terminal: false,
    print: (text) => void printed.push(text),
    readInput: () => Promise.resolve(new Uint8Array()),
  };
  const result = await run(args, world);
  if (!("code" in result)) throw new Error("expected an outcome");
  const { code, stdout = [] } = result;
  return { code, stdout: [...printed, ...stdout].join("") };
}

/** What a check found that is not well; with the exit code. */
async function faults(
  ...args: string[]
): Promise<{ readonly code: number; readonly found: readonly CheckResult[] }> {
  const { code, stdout } = await linkerd(
    "check",
    "--wait=0s",
    "--output=json",
    ...args,
  );
  const { success, categories } = JSON.parse(stdout) as {
    success: boolean;
    categories: { checks: CheckResult[] }[];
  };
  expect(success).toBe(code === 0);
  const found = categories.flatMap(({ checks }) => checks)
    .filter(({ result }) => result !== "success");
  return { code, found };
}

function descriptions(found: readonly CheckResult[]): string[] {
  return found.map(({ description }) => description);
}

test("check --pre is green on a new cluster, and says what install will do", async () => {
  const { code, stdout } = await linkerd("check", "--pre");
  expect(stdout).not.toMatch(/^[×‼]/m);
  expect(stdout).toContain("there are none: linkerd install brings those of");
  expect(stdout).toEndWith("\nStatus check results are √\n");
  expect(code).toBe(0);
  expect(await faults("--crds")).toMatchObject({
    code: 1,
    found: [
      { description: "Gateway API CRDs are installed" },
      {
        description: "control plane CustomResourceDefinitions exist",
        error: expect.stringContaining("missing servers.policy.linkerd.io"),
      },
    ],
  });
  expect(await faults()).toMatchObject({
    code: 1,
    found: [
      { description: "Gateway API CRDs are installed" },
      {
        description: "'linkerd-config' config map exists",
        error: expect.stringContaining("linkerd install | kubectl apply -f -"),
      },
    ],
  });
});

test("the same under the release's runtime, as a process", async () => {
  const root = join(import.meta.dir, "../..");
  const deno = join(root, "node_modules/.bin/deno");
  const main = join(root, "cli/main.ts");
  const child = Bun.spawn(
    [deno, "run", "--quiet", "--allow-all", main, "check", "--pre", "-oshort"],
    { env: { ...process.env, KUBECONFIG: api.kubeconfig }, stdout: "pipe" },
  );
  const [said, code] = await Promise.all([child.stdout.text(), child.exited]);
  expect(said).toBe("Status check results are √\n");
  expect(code).toBe(0);
});

test("check --pre tells somebody without rights what is missing", async () => {
  const { code, found } = await faults("--pre", "--as=nobody");
  expect(code).toBe(1);
  expect(descriptions(found)).toContain("can create ServiceAccounts");
  expect(found.map(({ error }) => error).join("\n")).toContain(
    "not authorized to access deployments.apps",
  );
});

test("after the CRDs, check --crds is green and --pre still is", async () => {
  await kubectl(api, ["apply", "-f", "-"], crds);
  expect(await faults("--crds")).toEqual({ code: 0, found: [] });
  expect(await faults("--pre")).toEqual({ code: 0, found: [] });
});

test("after install, all holds that needs no running pods", async () => {
  await kubectl(api, ["apply", "-f", "-"], mesh);
  const { code, found } = await faults();
  expect(code).toBe(1);
  expect(descriptions(found)).toEqual([
    "control plane pods are ready",
    "control plane proxies are healthy",
  ]);
  expect(descriptions((await faults("--pre")).found)).toEqual([
    "control plane namespace does not already exist",
    "can create non-namespaced resources",
  ]);
});

test(
  "once its pods run, the mesh is green, in every mode and format",
  async () => {
    await startPods();
    metrics = await serveMetrics(api);
    const { code, stdout } = await linkerd("check", "--wait=0s");
    expect(stdout).not.toMatch(/^[×‼]/m);
    expect(code).toBe(0);
    expect((await linkerd("check", "-o", "short", "--wait=0s")).stdout).toBe(
      "Status check results are √\n",
    );
    const { code: proxies, found: silent } = await faults("--proxy");
    expect(proxies).toBe(0);
    expect(silent).toEqual([expect.objectContaining(SILENT)]);
    expect((await linkerd("viz", "check", "--wait=0s")).stdout).toMatch(
      /^linkerd-viz\n-+\n(√ .*\n){13}\nStatus check results are √\n$/,
    );
    // A version of its own is a warning, and no failure.
    const { code: warned, found } = await faults(
      "--cli-version-override=0.0.1",
      "--expected-version=0.0.1",
    );
    expect(warned).toBe(0);
    expect(descriptions(found)).toEqual([
      "control plane is up-to-date",
      "control plane and cli versions match",
      "control plane proxies are up-to-date",
      "control plane proxies and cli versions match",
      "viz extension proxies are up-to-date",
      "viz extension proxies and cli versions match",
    ]);
  },
);

/** What no proxy runs of sends no metrics. */
const SILENT = {
  description: "data plane proxy metrics are present in Prometheus",
  result: "warning",
};

/** Something broken, and what `check` says of it. */
interface Breakage {
  readonly kind: string;
  readonly name: string;
  /** A merge patch; without it the object is deleted. */
  readonly patch?: () => unknown;
  readonly check: string;
  readonly error: string;
  readonly anchor: string;
}

const BREAKAGES: readonly Breakage[] = [
  {
    kind: "configmap",
    name: "linkerd-config",
    check: "'linkerd-config' config map exists",
    error: 'configmaps "linkerd-config" not found in namespace "linkerd"',
    anchor: "l5d-existence-linkerd-config",
  },
  {
    kind: "crd",
    name: "servers.policy.linkerd.io",
    check: "control plane CustomResourceDefinitions exist",
    error: "missing servers.policy.linkerd.io",
    anchor: "l5d-existence-crd",
  },
  {
    kind: "clusterrole",
    name: "linkerd-linkerd-identity",
    check: "control plane ClusterRoles exist",
    error: "missing ClusterRoles: linkerd-linkerd-identity",
    anchor: "l5d-existence-cr",
  },
  {
    kind: "clusterrolebinding",
    name: "linkerd-linkerd-proxy-injector",
    check: "control plane ClusterRoleBindings exist",
    error: "missing ClusterRoleBindings: linkerd-linkerd-proxy-injector",
    anchor: "l5d-existence-crb",
  },
  {
    kind: "serviceaccount",
    name: "linkerd-destination",
    check: "control plane ServiceAccounts exist",
    error: "missing ServiceAccounts: linkerd-destination",
    anchor: "l5d-existence-sa",
  },
  {
    kind: "mutatingwebhookconfiguration",
    name: "linkerd-proxy-injector-webhook-config",
    check: "control plane MutatingWebhookConfigurations exist",
    error: "missing MutatingWebhookConfigurations",
    anchor: "l5d-existence-mwc",
  },
  {
    kind: "secret",
    name: "linkerd-identity-issuer",
    patch: () => {
      const old = makeAuthority("identity", NOW - 2 * YEAR_MS);
      return {
        data: { "crt.pem": btoa(old.crtPEM), "key.pem": btoa(old.keyPEM) },
      };
    },
    check: "issuer cert is within its validity period",
    error: "issuer certificate is not valid anymore. Expired on ",
    anchor: "l5d-identity-issuer-cert-is-time-valid",
  },
  {
    kind: "secret",
    name: "linkerd-identity-issuer",
    patch: () => {
      const other = makeAuthority("another", NOW);
      return {
        data: { "crt.pem": btoa(other.crtPEM), "key.pem": btoa(other.keyPEM) },
      };
    },
    check: "issuer cert is issued by the trust anchor",
    error: 'no chain leads from "CN=another" to a trust anchor',
    anchor: "l5d-identity-issuer-cert-issued-by-trust-anchor",
  },
  {
    kind: "configmap",
    name: "linkerd-identity-trust-roots",
    patch: () => ({
      data: { "ca-bundle.crt": makeAuthority("another", NOW).crtPEM },
    }),
    check: "certificate config is valid",
    error: "does not hold the trust anchors of linkerd-config",
    anchor: "l5d-identity-cert-config-valid",
  },
  {
    kind: "secret",
    name: "linkerd-sp-validator-k8s-tls",
    patch: () => {
      const { crtPEM, keyPEM } = makeServer(
        "linkerd-sp-validator.linkerd.svc",
        NOW,
      );
      return { data: { "tls.crt": btoa(crtPEM), "tls.key": btoa(keyPEM) } };
    },
    check: "sp-validator webhook has valid cert",
    error: "cert is not issued by the trust anchor: no chain leads from",
    anchor: "l5d-sp-validator-webhook-cert-valid",
  },
];

/** The object of a name as it was applied; several kinds may share one. */
function manifestOf(name: string): string {
  return `${crds}${mesh}`.split(/^---$/m)
    .filter((text) => text.includes(`\n  name: ${name}\n`)).join("---");
}

for (const breakage of BREAKAGES) {
  const { kind, name, patch, check, error, anchor } = breakage;
  test(
    `${patch ? "another" : "no"} ${kind} ${name}: "${check}" fails`,
    async () => {
      await kubectl(
        api,
        patch === undefined ? ["delete", kind, name, "-n", "linkerd"] : [
          ...["patch", kind, name, "-n", "linkerd", "--type=merge"],
          ...["-p", JSON.stringify(patch())],
        ],
      );
      try {
        const { code, found } = await faults();
        expect(code).toBe(1);
        expect(found).toEqual([{
          description: check,
          error: expect.stringContaining(error),
          hint: expect.stringMatching(new RegExp(`#${anchor}$`)),
          result: "error",
        }]);
      } finally {
        await kubectl(api, ["apply", "-f", "-"], manifestOf(name));
      }
    },
  );
}

test(
  "an application's pods: what has no proxy is listed, and misplaced words are",
  async () => {
    const metadata = { name: "web", namespace: "check-app" };
    const app = { name: "app", image: "app:1" };
    const proxy = { name: "linkerd-proxy", image: `proxy:${VERSION}` };
    await create({
      apiVersion: "v1",
      kind: "Namespace",
      metadata: {
        name: "check-app",
        annotations: { "linkerd.io/inject": "enabled" },
        labels: { "linkerd.io/extension": "check" },
      },
    });
    await create({
      apiVersion: "v1",
      kind: "Service",
      metadata: { ...metadata, labels: { "linkerd.io/inject": "enabled" } },
      spec: { ports: [{ port: 80 }] },
    });
    await startPod({
      metadata,
      spec: { template: { metadata: {}, spec: { containers: [app] } } },
    });
    const look = () => faults("--proxy", "-n", "check-app");
    const unmeshed = {
      description: "pods that should be meshed are",
      error: expect.stringContaining(
        "\t* check-app/web-abc: it was made before",
      ),
      result: "warning",
    };
    const noCommand = {
      description: "Linkerd extension command linkerd-check exists",
      result: "warning",
    };
    expect(await look()).toMatchObject({
      code: 1,
      found: [{
        description: "data plane proxies are ready",
        error:
          'no "linkerd-proxy" containers found in the "check-app" namespace',
      }, noCommand],
    });
    expect(await faults()).toMatchObject({
      code: 0,
      found: [unmeshed, noCommand],
    });
    const labels = {
      "linkerd.io/control-plane-ns": "linkerd",
      "config.linkerd.io/proxy-log-level": "debug",
    };
    await startPod({
      metadata: { ...metadata, name: "meshed" },
      spec: {
        template: { metadata: { labels }, spec: { containers: [app, proxy] } },
      },
    });
    expect(await look()).toMatchObject({
      code: 0,
      found: [
        {
          description: "data plane pod labels are configured correctly",
          error: expect.stringContaining("config.linkerd.io/proxy-log-level"),
        },
        {
          description: "data plane service labels are configured correctly",
          error: expect.stringContaining("\t* check-app/web\n"),
        },
        unmeshed,
        SILENT,
        noCommand,
      ],
    });
  },
);

async function create(object: unknown): Promise<void> {
  await kubectl(api, ["create", "-f", "-"], JSON.stringify(object));
}

/** Makes the pod of each Deployment of the control plane. */
async function startPods(): Promise<void> {
  const list = await kubectl(api, [
    ...["get", "deployments", "-n", "linkerd", "-o", "json"],
  ]);
  const { items } = JSON.parse(list) as { items: readonly Template[] };
  expect(items.length).toBeGreaterThan(2);
  for (const deployment of items) await startPod(deployment);
}

/** Makes the pod of a Deployment, and says that it runs. */
async function startPod(deployment: Template): Promise<void> {
  const { status, ...pod } = podOf(deployment);
  await create(pod);
  const { name, namespace = "" } = pod.metadata;
  await kubectl(api, [
    ...["patch", "pod", name, "-n", namespace],
    ...["--subresource=status", "--type=merge"],
    ...["-p", JSON.stringify({ status })],
  ]);
}
