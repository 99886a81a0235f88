// Services that select ExternalWorkloads get EndpointSlices for them, written by the control plane with the rights of its install.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { createSettings } from "../../control/index/settings.ts";
import { startDestination } from "../../control/start/destination.ts";
import type { Running } from "../../control/start/running.ts";
import { recordLogs } from "../../control/testing/logs.ts";
import { waitFor } from "../../demo/bed/wait.ts";
import { kubectl } from "./kubectl.ts";
import { type ApiServer, OPEN_TIMEOUT_MS, openApiServer } from "./open.ts";
import { asServiceAccount } from "./testing/account.ts";
import { renderInstall, toList } from "./testing/manifests.ts";

setDefaultTimeout(120_000);

/** An API server of its own: the Lease is one of the whole control plane. */
const HOME = new URL("../../.cache/cluster-external", import.meta.url).pathname;
const NAMESPACE = "outside";
const MANAGED =
  "endpointslice.kubernetes.io/managed-by=linkerd-external-workloads-controller";
const RIGHTS = [
  "Namespace",
  "ServiceAccount",
  "ClusterRole",
  "ClusterRoleBinding",
  "Role",
  "RoleBinding",
];

let api: ApiServer;
let control: Running;
const logs = recordLogs();

beforeAll(async () => {
  api = await openApiServer(HOME);
  await kubectl(
    api,
    ["apply", "--server-side", "-f", "-"],
    toList(await renderInstall("linkerd", "--crds")),
  );
  const install = await renderInstall("linkerd");
  await apply(...install.filter(({ kind }) => RIGHTS.includes(kind)));
  await apply({
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: NAMESPACE },
  });
  // One is there before the control plane is.
  await apply(workload("vm-1", "192.0.2.1"), service());
  await ready("vm-1");
  control = await start();
}, OPEN_TIMEOUT_MS);

afterAll(async () => {
  await control.close();
  await kubectl(api, ["delete", "namespace", NAMESPACE]);
  await api.stop();
}, OPEN_TIMEOUT_MS);

async function start(): Promise<Running> {
  const any = { host: "127.0.0.1", port: 0 };
  return await startDestination({
    program: "destination",
    address: any,
    policyAddress: any,
    adminAddress: any,
    log: { level: "info", format: "plain" },
    settings: createSettings(),
    source: {
      kind: "kube",
      server: await asServiceAccount(api, "linkerd", "linkerd-destination"),
      replica: "only",
      patchTimeoutMs: 5_000,
    },
  }, logs.log);
}

function service() {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "billing", namespace: NAMESPACE },
    spec: {
      selector: { app: "billing" },
      ports: [{ name: "http", port: 80, targetPort: 8080 }],
    },
  };
}

function workload(name: string, ip: string) {
  const identity = `${name}.example.org`;
  return {
    apiVersion: "workload.linkerd.io/v1beta1",
    kind: "ExternalWorkload",
    metadata: { name, namespace: NAMESPACE, labels: { app: "billing" } },
    spec: {
      meshTLS: { identity, serverName: identity },
      workloadIPs: [{ ip }],
      ports: [{ port: 8080 }],
    },
  };
}

function apply(...objects: readonly unknown[]): Promise<string> {
  return kubectl(api, ["apply", "-f", "-"], toList(objects));
}

async function ready(name: string, status = "True"): Promise<void> {
  const condition = {
    type: "Ready",
    status,
    lastTransitionTime: "2026-01-01T00:00:00Z",
  };
  await kubectl(api, [
    ...["patch", "externalworkload", name, "-n", NAMESPACE],
    ...["--subresource=status", "--type=merge", "-p"],
    JSON.stringify({ status: { conditions: [condition] } }),
  ]);
}

/** `address:port ready` of each endpoint in slices of ours. */
async function endpoints(): Promise<string[]> {
  const text = await kubectl(api, [
    ...["get", "endpointslices", "-n", NAMESPACE, "-l", MANAGED, "-o", "json"],
  ]);
  const { items } = JSON.parse(text) as { items: readonly Slice[] };
  return items.flatMap(({ endpoints, ports }) =>
    endpoints.map(({ addresses, conditions, targetRef }) =>
      `${targetRef.name} ${addresses[0]}:${ports[0]?.port} ${conditions.ready}`
    )
  ).sort();
}

interface Slice {
  readonly ports: readonly { readonly port: number }[];
  readonly endpoints: readonly {
    readonly addresses: readonly string[];
    readonly conditions: { readonly ready: boolean };
    readonly targetRef: { readonly name: string };
  }[];
}

async function settled(expected: readonly string[]): Promise<void> {
  let last: string[] = [];
  await waitFor(async () => {
    last = await endpoints();
    return Bun.deepEquals(last, expected) || null;
  }, {
    what: () => `${JSON.stringify(expected)}, last ${JSON.stringify(last)}`,
    timeoutMs: 60_000,
  });
}

test("slices follow workloads that come, become ready, and go", async () => {
  await settled(["vm-1 192.0.2.1:8080 true"]);
  await apply(workload("vm-2", "192.0.2.2"));
  await settled(["vm-1 192.0.2.1:8080 true", "vm-2 192.0.2.2:8080 false"]);
  await ready("vm-2");
  await ready("vm-1", "False");
  await settled(["vm-1 192.0.2.1:8080 false", "vm-2 192.0.2.2:8080 true"]);
  await kubectl(api, ["delete", "externalworkload", "vm-1", "-n", NAMESPACE]);
  await settled(["vm-2 192.0.2.2:8080 true"]);
});

test("slices that somebody deletes come back, and what a Service no longer selects goes", async () => {
  await kubectl(api, [
    ...["delete", "endpointslices", "-n", NAMESPACE, "-l", MANAGED],
  ]);
  await settled(["vm-2 192.0.2.2:8080 true"]);
  const { spec, ...rest } = service();
  await apply({ ...rest, spec: { ...spec, selector: { app: "another" } } });
  await settled([]);
  expect(logs.lines.filter((line) => line.includes("external workloads")))
    .toEqual([]);
});

test("what went while nobody wrote is found by whoever writes next", async () => {
  await apply(service());
  await settled(["vm-2 192.0.2.2:8080 true"]);
  await control.close();
  await kubectl(api, ["delete", "externalworkload", "vm-2", "-n", NAMESPACE]);
  expect(await endpoints()).toEqual(["vm-2 192.0.2.2:8080 true"]);
  control = await start();
  await settled([]);
});
