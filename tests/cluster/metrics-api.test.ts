// Metrics and live requests behind a real API server: who may ask is decided by roles, and nobody gets past it.
import {
  afterAll,
  beforeAll,
  describe,
  expect,
  setDefaultTimeout,
  test,
} from "bun:test";
import { readFile } from "node:fs/promises";
import { request } from "node:https";
import { dirname } from "node:path";
import { podManifest } from "../../control/testing/objects.ts";
import { waitFor } from "../../demo/bed/wait.ts";
import { metricsPath, tapPath } from "../../schemas/tap.ts";
import { kubectl, tryKubectl } from "./kubectl.ts";
import { createLayout } from "./layout.ts";
import { type ApiServer, OPEN_TIMEOUT_MS, openApiServer } from "./open.ts";
import { asServiceAccount } from "./testing/account.ts";
import { renderInstall, toList } from "./testing/manifests.ts";
import { type ServedMetrics, serveMetrics } from "./testing/metrics.ts";

setDefaultTimeout(60_000);

/** An API server of its own: of an API there is one. */
const HOME = new URL("../../.cache/cluster-metrics", import.meta.url).pathname;
const COMPONENT = "linkerd.io/control-plane-component";
const DASHBOARD = "/apis/viz.linkerd.io/v1alpha1/dashboard/";

let api: ApiServer;
let metrics: ServedMetrics;

beforeAll(async () => {
  api = await openApiServer(HOME);
  const install = (await renderInstall("linkerd")).filter(
    ({ kind, metadata: { name, labels = {} } }) =>
      kind === "Namespace" || labels[COMPONENT] === "metrics" ||
      name === "linkerd-linkerd-metrics-auth-reader",
  );
  await apply(
    ...install.filter(({ kind }) => kind !== "Deployment"),
    ...["shop", "bank"].map((name) => object("v1", "Namespace", name)),
  );
  await startPod("shop", "web");
  await startPod("bank", "vault");
  metrics = await serveMetrics(api);
  for (const name of ["viewer", "auditor", "tapper", "nobody"]) {
    await run("create", "serviceaccount", name, "-n", "shop");
  }
  await grant("rolebinding", "viewer", "view", "-n", "shop");
  await grant("clusterrolebinding", "auditor", "view");
  await grant("clusterrolebinding", "tapper", "linkerd-linkerd-tap-admin");
}, OPEN_TIMEOUT_MS);

afterAll(async () => {
  await metrics.close();
  await api.stop();
}, 60_000);

function object(
  apiVersion: string,
  kind: string,
  name: string,
  namespace?: string,
) {
  return {
    apiVersion,
    kind,
    metadata: { name, ...namespace === undefined ? {} : { namespace } },
  };
}

function run(...args: string[]): Promise<string> {
  return kubectl(api, args);
}

async function apply(...items: readonly unknown[]): Promise<void> {
  await kubectl(api, ["apply", "-f", "-"], toList(items));
}

async function startPod(namespace: string, name: string): Promise<void> {
  const { metadata: _, ...pod } = podManifest(name, "10.1.2.3", {
    spec: { containers: [{ name: "web", image: "web" }] },
  }) as unknown as Record<string, Record<string, unknown>>;
  await apply({ ...pod, status: undefined, metadata: { name, namespace } });
  await run(
    ...["patch", "pod", name, "-n", namespace, "--subresource=status"],
    ...["--type=merge", "-p", JSON.stringify({ status: { phase: "Running" } })],
  );
}

async function grant(
  kind: "rolebinding" | "clusterrolebinding",
  name: string,
  role: string,
  ...more: string[]
): Promise<void> {
  await run(
    ...["create", kind, name, `--clusterrole=${role}`],
    ...[`--serviceaccount=shop:${name}`, ...more],
  );
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Asks as a service account; without one, as nobody known. */
async function ask(
  account: string | null,
  path: string,
  method = "GET",
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const user = await asServiceAccount(api, "shop", account ?? "nobody");
  const response = await fetch(api.server + path, {
    method,
    headers: {
      ...headers,
      ...account === null
        ? {}
        : { authorization: `Bearer ${await user.token()}` },
    },
    tls: { ca: await user.ca() },
  });
  return { status: response.status, text: await response.text() };
}

function stat(namespace: string | null): string {
  return `${metricsPath("stat", namespace)}?kind=pod`;
}

describe("metrics", () => {
  test("are for who may view workloads there", async () => {
    const answer = await waitFor(async () => {
      const found = await ask("viewer", stat("shop"));
      return found.status === 403 ? null : found; // the role is aggregated
    }, { what: () => "rights of view" });
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.text).rows).toMatchObject([
      { namespace: "shop", name: "web" },
    ]);
    expect(JSON.parse((await ask("auditor", stat(null))).text).rows)
      .toMatchObject([{ name: "vault" }, { name: "web" }]);
  });

  test("are for nobody else", async () => {
    for (
      const [account, path] of [
        ["viewer", stat("bank")],
        ["viewer", stat(null)],
        ["viewer", `${stat("shop")}&from_kind=pod&from_namespace=bank`],
        ["viewer", `${stat("shop")}&from_kind=pod`],
        ["nobody", stat("shop")],
        ["tapper", stat("shop")],
      ] as const
    ) {
      const { status, text } = await ask(account, path);
      expect([path, status]).toEqual([path, 403]);
      expect(JSON.parse(text)).toMatchObject({
        kind: "Status",
        reason: "Forbidden",
        message: expect.stringContaining(
          `User "system:serviceaccount:shop:${account}" cannot get resource "metrics" in API group "viz.linkerd.io"`,
        ),
      });
    }
    expect([401, 403]).toContain((await ask(null, stat("shop"))).status);
  });

  test("and no header of a user makes another of them", async () => {
    const forged = {
      "x-remote-user": "admin",
      "x-remote-group": "system:masters",
      "impersonate-user": "admin",
    };
    const { "impersonate-user": _, ...remote } = forged;
    expect((await ask("nobody", stat("shop"), "GET", remote)).status).toBe(403);
    expect((await ask("nobody", stat("shop"), "GET", forged)).status).toBe(403);
  });
});

describe("the dashboard", () => {
  test("is for who may view all namespaces", async () => {
    const { status, text } = await ask("auditor", DASHBOARD);
    expect(status).toBe(200);
    expect(text).toContain("<!DOCTYPE html>");
    expect((await ask("auditor", `${DASHBOARD}style.css`)).status).toBe(200);
    for (const page of ["", "topology", "style.css"]) {
      expect((await ask("viewer", DASHBOARD + page)).status).toBe(403);
    }
  });
});

describe("live requests", () => {
  const pods = tapPath({ kind: "pod", name: null, namespace: "shop" });
  const all = tapPath({ kind: "namespace", name: "shop", namespace: "shop" });

  test("are for who may watch them", async () => {
    for (const path of [pods, all]) {
      // There is no proxy to tap, which is said only to who may.
      const { status, text } = await ask("tapper", path, "POST");
      expect(status).toBe(400);
      expect(JSON.parse(text)).toMatchObject({ reason: "BadRequest" });
    }
  });

  test("are for nobody else, whoever else may view workloads", async () => {
    for (const account of ["viewer", "auditor", "nobody"]) {
      for (const path of [pods, all]) {
        const { status, text } = await ask(account, path, "POST");
        expect(status).toBe(403);
        expect(JSON.parse(text).message).toContain("cannot watch resource");
      }
    }
    const page = "tap-events?target=pod/shop/web";
    const live = DASHBOARD.replace("dashboard", "watch/dashboard") + page;
    const { status, text } = await ask("auditor", live);
    expect(status).toBe(403);
    expect(JSON.parse(text).message).toContain('resource "pods/tap"');
  });
});

describe("past the API server", () => {
  const headers = {
    "x-remote-user": "admin",
    "x-remote-group": "system:masters",
  };
  const directly = (client: { cert: string; key: string } | null) =>
    new Promise<number | undefined>((resolve, reject) => {
      request({
        host: "127.0.0.1",
        port: metrics.port,
        path: stat("shop"),
        agent: false,
        rejectUnauthorized: false,
        headers,
        ...client,
      }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).on("error", reject).end();
    });
  const pair = async (name: string) => {
    const { pki } = createLayout(dirname(api.kubeconfig));
    return {
      cert: await readFile(`${pki}/${name}.crt`, "utf8"),
      key: await readFile(`${pki}/${name}.key`, "utf8"),
    };
  };

  test("only its front proxy is answered", async () => {
    expect(await directly(await pair("front-proxy-client"))).toBe(200);
    // An administrator's certificate, which another authority signed.
    await expect(directly(await pair("to-kubelet"))).rejects.toThrow();
    await expect(directly(null)).rejects.toThrow();
  });
});

test("kubectl knows the APIs, and nothing becomes noisy or slow to go", async () => {
  const resources = await run("api-resources", "--api-group=viz.linkerd.io");
  expect(resources).toMatch(
    /metrics +viz\.linkerd\.io\/v1alpha1 +true +Metrics/,
  );
  for (
    const args of [
      ["get", "pods", "-A"],
      ["get", "all", "-n", "shop"],
      ["api-resources"],
      ["explain", "pods"],
    ]
  ) {
    const { code, stderr } = await tryKubectl(api, args);
    expect([args, code, stderr]).toEqual([args, 0, ""]);
  }
  await run("create", "namespace", "brief");
  await run("delete", "namespace", "brief", "--timeout=30s");
});

test("both APIs are available", async () => {
  const services = await run(
    ...["get", "apiservices", "-l", `${COMPONENT}=metrics`, "-o"],
    `jsonpath={range .items[*]}{.metadata.name}={.status.conditions[0].status} {end}`,
  );
  expect(services.trim().split(" ")).toEqual([
    "v1alpha1.tap.linkerd.io=True",
    "v1alpha1.viz.linkerd.io=True",
  ]);
});
