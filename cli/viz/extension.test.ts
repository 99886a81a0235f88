// What the command line says of a cluster about taps, and about what Linkerd's own viz extension left there.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { parseAllDocuments } from "yaml";
import { ApiError } from "../cluster.ts";
import {
  startServer,
  type TestServer,
  writeKubeconfig,
} from "../cluster/testing/api-server.ts";
import { fakeCluster, type FakeObject } from "../check/testing/cluster.ts";
import { run } from "../program.ts";

/** What is in the cluster; a test puts it there. */
let objects: readonly FakeObject[] = [];
/** What the metrics component says behind it. */
let rows: readonly unknown[] = [];
let server: TestServer;
let kubeconfig = "";

beforeAll(async () => {
  server = await startServer(async (request, response) => {
    const { pathname, searchParams } = new URL(
      request.url ?? "",
      "https://cluster",
    );
    const query = Object.fromEntries(searchParams);
    try {
      const answer = await fakeCluster(
        objects,
        ({ path }) => path.includes("/metrics/") ? { rows } : undefined,
      ).call({ path: pathname, query });
      response.end(JSON.stringify(answer));
    } catch (thrown) {
      if (!(thrown instanceof ApiError)) throw thrown;
      const { status: code, reason, message } = thrown;
      response.writeHead(code).end(JSON.stringify({ code, reason, message }));
    }
  });
  kubeconfig = await writeKubeconfig(server, {
    "client-certificate-data": btoa(server.client.crtPEM),
    "client-key-data": btoa(server.client.keyPEM),
  });
});
afterAll(() => server.close());

async function viz(...args: string[]) {
  const result = await run(["viz", ...args, "--kubeconfig", kubeconfig], {
    env: {},
    colour: false,
    terminal: false,
    print: () => {},
    readInput: () => Promise.resolve(new Uint8Array()),
  });
  if (!("code" in result)) throw new Error("expected an outcome");
  const { code, stdout = [], stderr = "" } = result;
  return { code, stdout: stdout.join(""), stderr };
}

function pod(
  namespace: string,
  name: string,
  annotations: Readonly<Record<string, string>> = {},
  more: Readonly<Record<string, unknown>> = {},
): FakeObject {
  const labels = { "linkerd.io/control-plane-ns": "linkerd" };
  return {
    kind: "Pod",
    metadata: { name, namespace, labels, annotations },
    ...more,
  };
}

const ENABLED = { "viz.linkerd.io/tap-enabled": "true" };
const DISABLED = { "viz.linkerd.io/disable-tap": "true" };

test("list: which meshed pods can be tapped, which not, and which must be made anew", async () => {
  objects = [
    { kind: "Namespace", metadata: { name: "shop" } },
    {
      kind: "Namespace",
      metadata: { name: "vault", annotations: DISABLED },
    },
    pod("shop", "web-2", ENABLED),
    pod("shop", "web-1", ENABLED),
    pod("shop", "cart", { ...ENABLED, ...DISABLED }),
    pod("shop", "old"),
    pod("shop", "over", {}, { status: { phase: "Succeeded" } }),
    pod("vault", "safe"),
    { kind: "Pod", metadata: { name: "plain", namespace: "shop" } },
  ];
  expect(await viz("list", "-A")).toEqual({
    code: 0,
    stdout: "Pods with tap enabled:\n\t* shop/web-1\n\t* shop/web-2\n\n" +
      "Pods with tap disabled:\n\t* shop/cart\n\t* vault/safe\n\n" +
      "Pods missing tap configuration (restart these pods to enable tap):\n\t* shop/old\n",
    stderr: "",
  });
  // Without a flag, the namespace of the kubeconfig's context.
  expect((await viz("list")).stdout).not.toContain("vault/safe");
  expect((await viz("list", "-n", "vault")).stdout).toBe(
    "Pods with tap disabled:\n\t* vault/safe\n",
  );
  expect((await viz("list", "-n", "empty")).stdout).toBe(
    "No meshed pods found\n",
  );
  expect((await viz("list", "-A", "-n", "shop")).stderr).toStartWith(
    "Error: --all-namespaces and --namespace flags are mutually exclusive\n",
  );
});

test("stat takes labels of the cluster's objects, and pods' status from there", async () => {
  const app = { kind: "Deployment", metadata: { namespace: "shop" } };
  objects = [
    {
      ...app,
      metadata: { ...app.metadata, name: "web", labels: { app: "a" } },
    },
    {
      ...app,
      metadata: { ...app.metadata, name: "api", labels: { app: "b" } },
    },
    pod("shop", "web-1", {}, {
      spec: { containers: [] },
      status: {
        phase: "Running",
        containerStatuses: [{
          name: "web",
          state: { waiting: { reason: "CrashLoopBackOff" } },
        }],
      },
    }),
  ];
  const row = {
    namespace: "shop",
    pods: { meshed: 1, running: 1 },
    golden: null,
    tcp: null,
  };
  rows = ["web", "api"].map((name) => ({ ...row, kind: "deployment", name }));
  const { stdout } = await viz("stat", "deploy", "-l", "app=a", "-o", "json");
  expect(JSON.parse(stdout)).toMatchObject([{ name: "web" }]);
  rows = ["web-1", "gone"].map((name) => ({ ...row, kind: "pod", name }));
  const table = (await viz("stat", "po")).stdout.split("\n");
  expect(table.map((line) => line.split(/ +/).slice(0, 3).join(" "))).toEqual([
    "NAME STATUS MESHED",
    "gone - 1/1",
    "web-1 CrashLoopBackOff 1/1",
    "",
  ]);
});

test("routes lists all routes of ServiceProfiles, of what Services lead to", async () => {
  const named = (kind: string, name: string, spec: unknown): FakeObject => ({
    kind,
    metadata: { name, namespace: "shop" },
    spec,
  });
  const deploy = (name: string) =>
    named("Deployment", name, {
      template: { metadata: { labels: { app: name, of: "shop" } } },
    });
  objects = [
    deploy("api"),
    deploy("web"),
    named("Service", "api", { selector: { app: "api" } }),
    named("Service", "web", { selector: { app: "web" } }),
    named("ServiceProfile", "api.shop.svc.cluster.local", {
      routes: [{ name: "GET /" }, { name: "POST /" }],
    }),
  ];
  rows = [{
    route: "POST /",
    service: "api.shop.svc.cluster.local:80",
    golden: { success: 60, failure: 0, secured: 60, latencyMs: null },
    actual: null,
  }];
  const squeeze = (text: string) =>
    text.split("\n").map((line) => line.trim().replaceAll(/ +/g, " "));
  const table = [
    "ROUTE SERVICE SUCCESS RPS LATENCY_P50 LATENCY_P95 LATENCY_P99",
    "GET / api - - - - -",
    "POST / api 100.00% 1.0rps - - -",
    "[DEFAULT] api - - - - -",
  ];
  for (const resource of ["deploy", "svc/api", "deploy/api"]) {
    expect(squeeze((await viz("routes", resource)).stdout), resource)
      .toEqual([...table, "", ""]);
  }
  const { stdout } = await viz("routes", "deploy/api", "svc/api");
  expect(squeeze(stdout)).toEqual([
    "==> deployment/api <==",
    ...table,
    "",
    "==> service/api <==",
    ...table,
    "",
    "",
  ]);
  expect(await viz("routes", "deploy/web")).toEqual({
    code: 1,
    stdout: "",
    stderr: "No Service Profiles found for selected resources\n",
  });
  rows = [];
  // A client has no profile of its own, but asks what has one.
  expect(
    squeeze((await viz("routes", "deploy/web", "--to", "svc/api")).stdout)
      .slice(1, 4),
  ).toEqual([
    "GET / api - - - - -",
    "POST / api - - - - -",
    "[DEFAULT] api - - - - -",
  ]);
  expect((await viz("routes", "svc/api", "--to", "svc/api")).stderr)
    .toContain("The service resource type is not supported with 'to' queries");
});

test("authz lists policies that nobody comes by as well", async () => {
  const policy = (name: string, target: unknown): FakeObject => ({
    kind: "AuthorizationPolicy",
    metadata: { name, namespace: "shop" },
    spec: { targetRef: target },
  });
  const group = "policy.linkerd.io";
  const server = { group, kind: "Server", name: "web-http" };
  objects = [
    {
      kind: "Server",
      metadata: { name: "web-http", namespace: "shop" },
      spec: { podSelector: { matchLabels: { app: "web" } }, port: 8080 },
    },
    policy("callers", server),
    policy("nobody", server),
    {
      kind: "Pod",
      metadata: { name: "web-1", namespace: "shop", labels: { app: "web" } },
      spec: { containers: [] },
      status: { phase: "Running" },
    },
  ];
  rows = [{
    namespace: "shop",
    name: "web-1",
    server: { kind: "server", name: "web-http" },
    port: "8080",
    route: { kind: "default", name: "default" },
    authorization: { kind: "authorizationpolicy", name: "callers" },
    golden: { success: 60, failure: 0, secured: 60, latencyMs: null },
    denied: 0,
  }];
  const { stdout } = await viz("authz", "po/web-1");
  expect(stdout.split("\n").map((line) => line.trim().replaceAll(/ +/g, " ")))
    .toEqual([
      "ROUTE SERVER AUTHORIZATION UNAUTHORIZED SUCCESS RPS LATENCY_P50 LATENCY_P95 LATENCY_P99",
      "* web-http authorizationpolicy/nobody - - - - - -",
      "default web-http authorizationpolicy/callers 0.0rps 100.00% 1.0rps - - -",
      "",
    ]);
  const json = JSON.parse(
    (await viz("authz", "po/web-1", "-o", "json")).stdout,
  );
  expect(json[0]).toEqual({
    route: "*",
    server: "web-http",
    authorization: "authorizationpolicy/nobody",
  });
});

test("stat shows policies that nothing came by, and no routes of clients", async () => {
  const of = (kind: string, name: string, spec: unknown = {}): FakeObject => ({
    kind,
    metadata: { name, namespace: "shop" },
    spec,
  });
  objects = [
    of("Server", "web-http"),
    of("Server", "idle"),
    of("HTTPRoute", "reads", {
      parentRefs: [{ kind: "Server", name: "web-http" }],
    }),
    of("HTTPRoute", "split", { parentRefs: [{ kind: "Service", name: "a" }] }),
  ];
  rows = [{
    kind: "server",
    namespace: "shop",
    name: "web-http",
    pods: null,
    golden: { success: 60, failure: 0, secured: 60, latencyMs: null },
    tcp: null,
    policy: { server: "web-http", allowed: 60, denied: 0 },
  }];
  const lines = async (...args: string[]) =>
    (await viz("stat", ...args)).stdout.split("\n").slice(1)
      .map((line) => line.replaceAll(/ +/g, " "));
  expect(await lines("srv")).toEqual([
    "idle 0.0rps - - - - - -",
    "web-http 0.0rps 100.00% 1.0rps - - - -",
    "",
  ]);
  rows = [];
  expect(await lines("srv/idle")).toEqual(["idle 0.0rps - - - - - -", ""]);
  expect(await lines("httproute")).toEqual([
    "reads web-http 0.0rps - - - - -",
    "",
  ]);
});

/** An object of the extension; ours as well when the install has taken it over. */
function left(
  kind: string,
  name: string,
  { namespace, label = "viz", ours = false }: {
    readonly namespace?: string;
    readonly label?: string;
    readonly ours?: boolean;
  } = {},
): FakeObject {
  return {
    kind,
    metadata: {
      name,
      ...namespace === undefined ? {} : { namespace },
      labels: {
        "linkerd.io/extension": label,
        ...ours ? { "linkerd.io/control-plane-ns": "linkerd" } : {},
      },
    },
  };
}

const LEFT: readonly FakeObject[] = [
  left("Namespace", "linkerd-viz"),
  left("Namespace", "linkerd-multicluster", { label: "multicluster" }),
  left("ClusterRole", "linkerd-linkerd-viz-tap", { label: "linkerd-viz" }),
  left("APIService", "v1alpha1.old.linkerd.io"),
  left("APIService", "v1alpha1.tap.linkerd.io", { ours: true }),
  left("MutatingWebhookConfiguration", "linkerd-tap-injector-webhook-config"),
  left("Server", "proxy-admin", { namespace: "shop" }),
  left("AuthorizationPolicy", "prometheus-scrape", { namespace: "shop" }),
  left("Deployment", "tap", { namespace: "linkerd-viz" }),
];

function names(yaml: string): string[] {
  return parseAllDocuments(yaml).map((document) => document.toJS())
    .filter((object) => object !== null)
    .map(({ apiVersion, kind, metadata: { name } }) =>
      `${apiVersion} ${kind} ${name}`
    );
}

test("uninstall: all that the extension left, and nothing that the install has taken over", async () => {
  objects = LEFT;
  const { code, stdout, stderr } = await viz("uninstall");
  expect([code, stderr]).toEqual([0, ""]);
  expect(names(stdout)).toEqual([
    "policy.linkerd.io/v1alpha1 AuthorizationPolicy prometheus-scrape",
    "policy.linkerd.io/v1beta3 Server proxy-admin",
    "rbac.authorization.k8s.io/v1 ClusterRole linkerd-linkerd-viz-tap",
    "apiregistration.k8s.io/v1 APIService v1alpha1.old.linkerd.io",
    "admissionregistration.k8s.io/v1 MutatingWebhookConfiguration linkerd-tap-injector-webhook-config",
    "v1 Namespace linkerd-viz",
  ]);
  const lines = (await viz("uninstall", "-o", "json")).stdout.trim();
  expect(lines.split("\n").map((line) => JSON.parse(line).kind))
    .toContain("Namespace");
  expect((await viz("uninstall", "-o", "toml")).stderr).toStartWith(
    "Error: unsupported format toml\n",
  );
});

test("uninstall of what is not there says so, and fails as Linkerd's does", async () => {
  objects = [];
  expect(await viz("uninstall")).toEqual({
    code: 1,
    stdout: "",
    stderr: "No resources found to uninstall\n",
  });
});

test("prune: the same with what is in namespaces, but not these", async () => {
  objects = LEFT;
  const { code, stdout } = await viz("prune", "--ha", "--set", "a=b");
  expect(code).toBe(0);
  const found = names(stdout);
  expect(found).toContain("apps/v1 Deployment tap");
  expect(found).toContain("policy.linkerd.io/v1beta3 Server proxy-admin");
  expect(found.join()).not.toContain("Namespace");
  expect(found.join()).not.toContain("v1alpha1.tap.linkerd.io");
  objects = [];
  expect(await viz("prune")).toEqual({ code: 0, stdout: "", stderr: "" });
});

test("install takes what scripts give Linkerd's, and says that it is not needed", async () => {
  const plain = await viz("install");
  expect(plain).toMatchObject({ code: 0, stdout: "" });
  expect(plain.stderr).toStartWith("Nothing to apply: metrics are part of");
  const { code, stdout, stderr } = await viz(
    ...["install", "--ha", "--skip-checks", "--ignore-cluster", "-o", "json"],
    ...["--wait", "1m", "--set", "dashboard.replicas=2", "-f", "values.yaml"],
  );
  expect([code, stdout]).toEqual([0, ""]);
  expect(stderr).toContain("--values, --set: values of linkerd-viz mean");
});

test("allow-scrapes needs a namespace, and names the component of the control plane's", async () => {
  expect(await viz("allow-scrapes")).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(
      /^Error: required flag\(s\) "namespace" not set\n/,
    ),
  });
  const { stdout } = await viz("allow-scrapes", "-n", "shop", "-L", "mesh");
  expect(names(stdout)).toEqual([
    "policy.linkerd.io/v1beta3 Server proxy-admin",
    "policy.linkerd.io/v1beta3 HTTPRoute proxy-metrics",
    "policy.linkerd.io/v1beta3 HTTPRoute proxy-probes",
    "policy.linkerd.io/v1alpha1 AuthorizationPolicy prometheus-scrape",
    "policy.linkerd.io/v1alpha1 NetworkAuthentication kubelet",
    "policy.linkerd.io/v1alpha1 AuthorizationPolicy proxy-probes",
  ]);
  expect(stdout).toContain(
    "kind: ServiceAccount\n      name: linkerd-metrics\n      namespace: mesh\n",
  );
});
