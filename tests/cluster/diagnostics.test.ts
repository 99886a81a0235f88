// `linkerd authz`, `identity`, `profile` and `diagnostics` against a real API server. No kubelet is there: Pods are made
// by hand and never run, so that what is asked of a running one is tested elsewhere (tests/identity.test.ts,
// tests/diagnostics.test.ts).
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Outcome, World } from "../../cli/command.ts";
import { run } from "../../cli/program.ts";
import { kubectl } from "./kubectl.ts";
import { type ApiServer, OPEN_TIMEOUT_MS, openApiServer } from "./open.ts";
import { deleteKinds, isInstalled } from "./testing/kinds.ts";

/** Applying everything takes seconds on a busy machine. */
const TIMEOUT_MS = 120_000;
const NAMESPACE = "diagnostics-app";
const CONTROL = "diagnostics-mesh";

let api: ApiServer;

const container = {
  name: "web",
  image: "example.com/web",
  ports: [{ name: "http", containerPort: 8080 }],
};
const template = {
  metadata: { labels: { app: "web" } },
  spec: { containers: [container] },
};
const selector = { matchLabels: { app: "web" } };

function object(
  apiVersion: string,
  kind: string,
  name: string,
  spec?: unknown,
): Readonly<Record<string, unknown>> {
  const metadata = { name, namespace: NAMESPACE };
  return {
    apiVersion,
    kind,
    metadata,
    ...(spec === undefined ? {} : { spec }),
  };
}

const POLICY = "policy.linkerd.io";
const OBJECTS = [
  object("apps/v1", "Deployment", "web", { selector, template }),
  object("apps/v1", "StatefulSet", "db", {
    serviceName: "db",
    selector: { matchLabels: { app: "db" } },
    template: { ...template, metadata: { labels: { app: "db" } } },
  }),
  object(`${POLICY}/v1beta3`, "Server", "web-http", {
    podSelector: selector,
    port: "http",
  }),
  object(`${POLICY}/v1beta3`, "Server", "web-admin", {
    podSelector: selector,
    port: 9990,
    accessPolicy: "audit",
  }),
  object(`${POLICY}/v1beta3`, "HTTPRoute", "get-books", {
    parentRefs: [{ group: POLICY, kind: "Server", name: "web-http" }],
    rules: [{ matches: [{ path: { value: "/books" } }] }],
  }),
  object(`${POLICY}/v1alpha1`, "AuthorizationPolicy", "books-for-front", {
    targetRef: { group: POLICY, kind: "HTTPRoute", name: "get-books" },
    requiredAuthenticationRefs: [],
  }),
  object(`${POLICY}/v1beta1`, "ServerAuthorization", "everybody", {
    server: { name: "web-http" },
    client: { unauthenticated: true },
  }),
];

beforeAll(async () => {
  api = await openApiServer();
  const { stdout: crds = "" } = await linkerd(
    ...["install", "--ignore-cluster", "--crds"],
  );
  await kubectl(api, ["apply", "--server-side", "-f", "-"], crds);
  await kubectl(api, [
    ...["wait", "--for=condition=established", "--timeout=30s", "-f", "-"],
  ], crds);
  for (const namespace of [NAMESPACE, CONTROL]) {
    await kubectl(api, ["create", "namespace", namespace]);
  }
  await kubectl(api, ["apply", "-f", "-"], list(...OBJECTS));
}, OPEN_TIMEOUT_MS);

afterAll(async () => {
  await kubectl(api, [
    ...["delete", "namespace", "--ignore-not-found", NAMESPACE, CONTROL],
  ]);
  await deleteKinds(api, isInstalled);
  await api.stop();
}, TIMEOUT_MS);

function list(...items: readonly unknown[]): string {
  return JSON.stringify({ apiVersion: "v1", kind: "List", items });
}

/** Runs a command line in this process, against the test's API server; a refusal by the API server is what it says. */
async function linkerd(
  ...args: readonly string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  const world: World = {
    env: { KUBECONFIG: api.kubeconfig },
    colour: false,
    terminal: false,
    print: () => {},
    readInput: () => Promise.resolve(new Uint8Array()),
  };
  const result = await run(args, world).catch((thrown: Error): Outcome => ({
    code: 1,
    stderr: `Error: ${thrown.message}\n`,
  }));
  if (!("code" in result)) throw new Error("expected an outcome");
  const { code, stdout = [], stderr = "" } = result;
  return { code, stdout: stdout.join(""), stderr };
}

const TABLE = [
  "ROUTE      SERVER    AUTHORIZATION_POLICY  SERVER_AUTHORIZATION  ",
  "*          web-http                        everybody             ",
  "get-books  web-http  books-for-front                             ",
  "",
].join("\n");
const UNAUTHORIZED =
  'Server web-admin has no authorization: its access policy "audit" decides.\n';

test(
  "authz reads policies, for a workload whose pods are not there yet and when they are",
  async () => {
    const early = await linkerd("authz", "-n", NAMESPACE, "deploy/web");
    expect(early).toMatchObject({ code: 0, stdout: TABLE });
    expect(early.stderr).toContain("deploy/web has no pods yet");

    const get = ["get", "-n", NAMESPACE, "-o", "jsonpath={.metadata.uid}"];
    const uid = await kubectl(api, [...get, "deployment/web"]);
    const owner = (
      apiVersion: string,
      kind: string,
      name: string,
      uid: string,
    ) => ({
      ownerReferences: [{ apiVersion, kind, name, uid, controller: true }],
    });
    const set = object("apps/v1", "ReplicaSet", "web-1", {
      selector,
      template,
    });
    await kubectl(
      api,
      ["apply", "-f", "-"],
      list({
        ...set,
        metadata: {
          name: "web-1",
          namespace: NAMESPACE,
          ...owner("apps/v1", "Deployment", "web", uid),
        },
      }),
    );
    const setUid = await kubectl(api, [...get, "replicaset/web-1"]);
    await kubectl(
      api,
      ["apply", "-f", "-"],
      list({
        ...object("v1", "Pod", "web-1-a", template.spec),
        metadata: {
          name: "web-1-a",
          namespace: NAMESPACE,
          labels: { app: "web" },
          ...owner("apps/v1", "ReplicaSet", "web-1", setUid),
        },
      }),
    );
    expect(await linkerd("authz", "-n", NAMESPACE, "deploy", "web"))
      .toEqual({ code: 0, stdout: TABLE, stderr: UNAUTHORIZED });
    expect((await linkerd("authz", "-n", NAMESPACE, "po")).stdout).toBe(TABLE);
    expect((await linkerd("authz", "-n", NAMESPACE, "sts/db")).stderr)
      .toContain("No Server is about sts/db");
  },
  TIMEOUT_MS,
);

test(
  "authz says the same of the manifests as of the cluster that has them",
  async () => {
    const file = `${api.kubeconfig}.diagnostics.json`;
    await Bun.write(file, list(...OBJECTS));
    try {
      const asked = ["authz", "-n", NAMESPACE, "deploy/web"];
      expect((await linkerd(...asked, "--from-manifests", file)).stdout)
        .toBe((await linkerd(...asked)).stdout);
    } finally {
      await Bun.file(file).delete();
    }
  },
  TIMEOUT_MS,
);

test("what is not there is named", async () => {
  expect(await linkerd("authz", "-n", NAMESPACE, "deploy/none")).toEqual({
    code: 1,
    stdout: "",
    stderr: 'Error: deployments.apps "none" not found\n',
  });
  expect(
    await linkerd("diagnostics", "proxy-metrics", "-n", NAMESPACE, "po/none"),
  )
    .toMatchObject({ code: 1, stderr: 'Error: pods "none" not found\n' });
  expect(
    (await linkerd(
      "diagnostics",
      "proxy-metrics",
      "-n",
      NAMESPACE,
      "deploy/web",
    )).stderr,
  )
    .toContain("No running pods with a proxy found for deploy/web");
  expect(await linkerd("diagnostics", "controller-metrics", "-L", CONTROL))
    .toEqual({
      code: 0,
      stdout: "",
      stderr: `No running pods found in namespace "${CONTROL}".\n`,
    });
}, TIMEOUT_MS);

test(
  "identity tells of each pod why it has no certificate to show",
  async () => {
    expect(await linkerd("identity", "-n", NAMESPACE, "none", "web-1-a"))
      .toEqual({
        code: 1,
        stdout: "",
        stderr:
          'pods "none" not found\npod not running: web-1-a\nCould not fetch Certificate. Ensure that the pod(s) are meshed by running `linkerd inject`\n',
      });
    expect((await linkerd("identity", "-n", NAMESPACE, "-l", "app=web")).stderr)
      .toContain("pod not running: web-1-a\n");
  },
  TIMEOUT_MS,
);

test(
  "diagnostics say that there is no controller, and what to do",
  async () => {
    for (
      const args of [["endpoints", "web:80"], ["profile", "10.0.0.1:80"], [
        "policy",
        "po/a",
        "80",
      ]]
    ) {
      expect(await linkerd("diagnostics", ...args, "-L", CONTROL)).toEqual({
        code: 1,
        stdout: "",
        stderr:
          `Error creating destination client: no running pods found for linkerd-destination\nIs the control plane in namespace "${CONTROL}"? Say which with -L, or ask one elsewhere with --api-addr.\n`,
      });
    }
  },
  TIMEOUT_MS,
);

test(
  "profile takes the cluster's domain from the control plane, and the API server takes the profile",
  async () => {
    const asked = [
      "profile",
      "--template",
      "-L",
      CONTROL,
      "-n",
      NAMESPACE,
      "web",
    ];
    const without = await linkerd(...asked);
    expect(without.code).toBe(1);
    expect(without.stderr).toContain("Cannot find Linkerd");
    await kubectl(
      api,
      ["apply", "-f", "-"],
      list({
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "linkerd-config", namespace: CONTROL },
        data: { values: "clusterDomain: mesh.example\n" },
      }),
    );
    const { code, stdout } = await linkerd(...asked);
    expect(code).toBe(0);
    const applied = await kubectl(api, ["apply", "-f", "-"], stdout);
    expect(applied).toBe(
      `serviceprofile.linkerd.io/web.${NAMESPACE}.svc.mesh.example created\n`,
    );
  },
  TIMEOUT_MS,
);
