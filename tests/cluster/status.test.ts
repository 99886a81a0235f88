// What becomes of routes, rate limits and EgressNetworks stands in their statuses, written by one replica at a time.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { createSettings } from "../../control/index/settings.ts";
import { startDestination } from "../../control/start/destination.ts";
import type { Running } from "../../control/start/running.ts";
import { type Recorder, recordLogs } from "../../control/testing/logs.ts";
import { waitFor } from "../../demo/bed/wait.ts";
import { kubectl } from "./kubectl.ts";
import { type ApiServer, OPEN_TIMEOUT_MS, openApiServer } from "./open.ts";
import { asServiceAccount } from "./testing/account.ts";
import { renderInstall, toList } from "./testing/manifests.ts";
import { openRelay, type Relay } from "./testing/relay.ts";

setDefaultTimeout(120_000);

/** An API server of its own: this test takes connections away, and the Lease is one of the whole control plane. */
const HOME = new URL("../../.cache/cluster-status", import.meta.url).pathname;

const POLICY = "policy.linkerd.io";
const GATEWAY = "gateway.networking.k8s.io";
const OURS = "linkerd.io/policy-controller";

interface Replica {
  readonly name: string;
  readonly control: Running;
  readonly logs: Recorder;
  readonly relay: Relay;
}

let api: ApiServer;
const replicas: Replica[] = [];

beforeAll(async () => {
  api = await openApiServer(HOME);
  const crds = ["--crds", "--set", "installGatewayAPI=true"];
  await kubectl(
    api,
    ["apply", "--server-side", "-f", "-"],
    toList(await renderInstall("linkerd", ...crds)),
  );
  const install = await renderInstall("linkerd");
  const rights = ["Namespace", "ServiceAccount", "ClusterRole"];
  await apply(
    ...install.filter(({ kind }) =>
      [...rights, "ClusterRoleBinding", "Role", "RoleBinding"].includes(kind)
    ),
  );
  await apply(object("v1", "Namespace", "shop"));
  for (const name of ["first", "second"]) {
    replicas.push(await startReplica(name));
    await waitFor(holder, { what: () => "a holder of the lease" });
  }
}, OPEN_TIMEOUT_MS);

afterAll(async () => {
  for (const { control, relay } of replicas) {
    await control.close();
    relay.close();
  }
  await kubectl(api, ["delete", "namespace", "shop"]);
  await api.stop();
}, 60_000);

/** A control plane with the rights of the install, and a connection that can be cut. */
async function startReplica(name: string): Promise<Replica> {
  const relay = await openRelay(Number(new URL(api.server).port));
  const logs = recordLogs();
  const any = { host: "127.0.0.1", port: 0 };
  const server = await asServiceAccount(api, "linkerd", "linkerd-destination");
  const control = await startDestination({
    program: "destination",
    address: any,
    policyAddress: any,
    adminAddress: any,
    log: { level: "info", format: "plain" },
    settings: createSettings(),
    source: {
      kind: "kube",
      server: { ...server, url: `https://127.0.0.1:${relay.port}` },
      replica: name,
      patchTimeoutMs: 5_000,
    },
  }, logs.log);
  return { name, control, logs, relay };
}

function replica(name: string): Replica {
  const found = replicas.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no replica ${name}`);
  return found;
}

function object(
  apiVersion: string,
  kind: string,
  name: string,
  spec?: object,
) {
  const metadata = kind === "Namespace"
    ? { name }
    : { name, namespace: "shop" };
  return { apiVersion, kind, metadata, ...spec === undefined ? {} : { spec } };
}

function apply(...objects: readonly unknown[]): Promise<string> {
  return kubectl(api, ["apply", "-f", "-"], toList(objects));
}

async function read<T>(kind: string, name: string): Promise<T> {
  const text = await kubectl(api, ["get", kind, name, ...IN, "-o", "json"]);
  return JSON.parse(text) as T;
}
const IN = ["-n", "shop"];

async function holder(): Promise<string | null> {
  const text = await kubectl(
    api,
    ["get", "lease", "-n", "linkerd", "-o", "json", ...ONE],
  );
  const [lease] = JSON.parse(text).items;
  return lease?.spec?.holderIdentity || null;
}
const ONE = ["--field-selector=metadata.name=policy-controller-write"];

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration: number;
}
interface Entry {
  readonly parentRef: { readonly name: string };
  readonly controllerName: string;
  readonly conditions: readonly Condition[];
}
interface Routed {
  readonly metadata: { readonly generation: number };
  readonly status?: { readonly parents?: readonly Entry[] };
}

const words = ({ type, status, reason }: Condition) =>
  `${type} ${status} ${reason}`;

/** What our entries say, by the name of the parent; waits until it is this. */
async function untilSaid(
  kind: string,
  name: string,
  wanted: Readonly<Record<string, readonly string[]>>,
): Promise<readonly Entry[]> {
  let last: unknown;
  return await waitFor(async () => {
    const { metadata, status } = await read<Routed>(kind, name);
    const ours = (status?.parents ?? [])
      .filter(({ controllerName }) => controllerName === OURS);
    last = Object.fromEntries(
      ours.map(({ parentRef, conditions }) => [
        parentRef.name,
        conditions.map(words),
      ]),
    );
    const isCurrent = ours.every(({ conditions }) =>
      conditions.every((one) => one.observedGeneration === metadata.generation)
    );
    return isCurrent && Bun.deepEquals(last, wanted) ? ours : null;
  }, {
    what: () => `${JSON.stringify(wanted)}, but ${JSON.stringify(last)}`,
    timeoutMs: 60_000,
    intervalMs: 200,
  });
}

/** The message of the condition Accepted. */
function messageOf(entries: readonly Entry[]): string {
  const all = entries.flatMap(({ conditions }) => conditions);
  return all.find(({ type }) => type === "Accepted")?.message ?? "";
}

const server = (name: string) =>
  object(`${POLICY}/v1beta3`, "Server", name, {
    podSelector: { matchLabels: { app: name } },
    port: 8080,
  });
const service = (name: string, more: object = {}) =>
  object("v1", "Service", name, { ports: [{ port: 80 }], ...more });
const onServer = (...names: readonly string[]) => ({
  parentRefs: names.map((name) => ({ group: POLICY, kind: "Server", name })),
});
const onService = (name: string, port = 80) => ({
  parentRefs: [{ group: "core", kind: "Service", name, port }],
});
const httpRoute = (name: string, spec: object, group = GATEWAY) =>
  object(
    `${group}/${group === GATEWAY ? "v1" : "v1beta3"}`,
    "HTTPRoute",
    name,
    spec,
  );
const to = (name: string) => ({ backendRefs: [{ name, port: 80 }] });

const ACCEPTED = ["Accepted True Accepted"];
const NO_PARENT = ["Accepted False NoMatchingParent"];
const RESOLVED = "ResolvedRefs True ResolvedRefs";

test("a route says of each Server whether it is in force there, as Servers come and go", async () => {
  await apply(
    server("web"),
    httpRoute("in", onServer("web", "api"), POLICY),
  );
  const kind = `httproutes.${POLICY}`;
  await untilSaid(kind, "in", { web: ACCEPTED, api: NO_PARENT });
  await apply(server("api"));
  await untilSaid(kind, "in", { web: ACCEPTED, api: ACCEPTED });
  await kubectl(api, ["delete", `servers.${POLICY}`, "api", ...IN]);
  await untilSaid(kind, "in", { web: ACCEPTED, api: NO_PARENT });
  await apply(httpRoute("in", { parentRefs: [] }, POLICY));
  await untilSaid(kind, "in", {});
});

test("a route says of a Service whether clients may be routed there, and to what", async () => {
  await apply(
    service("web"),
    service("none", { clusterIP: "None" }),
    httpRoute("out", { ...onService("web"), rules: [to("web")] }),
    httpRoute("headless", { ...onService("none"), rules: [to("web")] }),
    httpRoute("lost", { ...onService("web", 81), rules: [to("gone")] }),
    object(`${GATEWAY}/v1`, "GRPCRoute", "grpc", {
      ...onService("web"),
      rules: [to("web")],
    }),
  );
  const kind = `httproutes.${GATEWAY}`;
  await untilSaid(kind, "headless", { none: [...NO_PARENT, RESOLVED] });
  await untilSaid(kind, "lost", {
    web: [...NO_PARENT, "ResolvedRefs False BackendNotFound"],
  });
  await untilSaid(`grpcroutes.${GATEWAY}`, "grpc", {
    web: [...ACCEPTED, RESOLVED],
  });
  await untilSaid(kind, "out", {
    web: ["Accepted False RouteReasonConflicted", RESOLVED],
  });
  await kubectl(api, ["delete", `grpcroutes.${GATEWAY}`, "grpc", ...IN]);
  await untilSaid(kind, "out", { web: [...ACCEPTED, RESOLVED] });
});

test("what cannot be done or read is named by its field", async () => {
  const filters = [{
    type: "URLRewrite",
    urlRewrite: { hostname: "example.org" },
  }];
  const matches = [{ path: { type: "RegularExpression", value: "/(" } }];
  await apply(
    service("web"),
    httpRoute("rewrite", {
      ...onService("web"),
      rules: [to("web"), { ...to("web"), filters }],
    }),
    httpRoute("broken", {
      ...onService("web"),
      rules: [{ ...to("web"), matches }],
    }),
  );
  const unsupported = "Accepted False UnsupportedValue";
  const kind = `httproutes.${GATEWAY}`;
  const rewrite = await untilSaid(kind, "rewrite", {
    web: [unsupported, RESOLVED],
  });
  expect(messageOf(rewrite)).toContain("spec.rules[1].filters[0].type");
  const broken = await untilSaid(kind, "broken", { web: [unsupported] });
  expect(messageOf(broken)).toContain("spec.rules[0].matches[0].path.value");
});

test("what other controllers wrote stays", async () => {
  await apply(service("web"), httpRoute("shared", onService("web")));
  const kind = `httproutes.${GATEWAY}`;
  await untilSaid(kind, "shared", { web: [...ACCEPTED, RESOLVED] });
  const { status } = await read<Routed>(kind, "shared");
  const theirs = {
    parentRef: { kind: "Gateway", name: "edge" },
    controllerName: "example.org/gateway",
    conditions: [{
      type: "Accepted",
      status: "True",
      reason: "Accepted",
      message: "",
      lastTransitionTime: "2026-01-01T00:00:00Z",
    }],
  };
  await kubectl(api, [
    ...["patch", kind, "shared", ...IN, "--subresource=status"],
    ...["--type=merge", "-p"],
    JSON.stringify({ status: { parents: [...status?.parents ?? [], theirs] } }),
  ]);
  await apply(httpRoute("shared", onService("web", 81)));
  await untilSaid(kind, "shared", { web: [...NO_PARENT, RESOLVED] });
  const now = await read<Routed>(kind, "shared");
  expect(now.status?.parents?.map(({ controllerName }) => controllerName))
    .toEqual(["example.org/gateway", OURS]);
});

test("of two rate limits of a Server the older one is in force; a network of the cluster is no way out of it", async () => {
  const limit = (name: string, target: string) =>
    object(`${POLICY}/v1alpha1`, "HTTPLocalRateLimitPolicy", name, {
      targetRef: { group: POLICY, kind: "Server", name: target },
      total: { requestsPerSecond: 10 },
    });
  const network = (name: string, cidr: string) =>
    object(`${POLICY}/v1alpha1`, "EgressNetwork", name, {
      trafficPolicy: "Allow",
      networks: [{ cidr }],
    });
  await apply(
    server("web"),
    limit("a", "web"),
    limit("b", "web"),
    limit("c", "gone"),
    network("out", "192.0.2.0/24"),
    network("in", "10.1.0.0/16"),
  );
  const said = async (kind: string, name: string) => {
    const { status } = await read<
      { status?: { conditions?: readonly Condition[] } }
    >(kind, name);
    return status?.conditions?.map(words).join() ?? null;
  };
  const cases = [
    ["httplocalratelimitpolicies", "a", "Accepted True Accepted"],
    [
      "httplocalratelimitpolicies",
      "b",
      "Accepted False RateLimitReasonAlreadyExists",
    ],
    ["httplocalratelimitpolicies", "c", "Accepted False NoMatchingTarget"],
    ["egressnetworks", "out", "Accepted True Accepted"],
    ["egressnetworks", "in", "Accepted False EgressReasonNetworkOverlap"],
  ] as const;
  for (const [kind, name, wanted] of cases) {
    expect(
      await waitFor(() => said(`${kind}.${POLICY}`, name), {
        what: () => `a status of ${kind} ${name}`,
      }),
    ).toBe(wanted);
  }
});

test("one replica writes; when it is cut off it stops, and the other goes on", async () => {
  expect(await holder()).toBe("first");
  const first = replica("first");
  const second = replica("second");
  expect(second.logs.lines.some((line) => line.includes("lease taken")))
    .toBe(false);
  expect(await patches(second)).toBe(0);
  expect(await patches(first)).toBeGreaterThan(0);

  first.relay.cut();
  await second.logs.until("lease taken");
  expect(first.logs.lines.some((line) => line.includes("lease lost")))
    .toBe(true);
  expect(await holder()).toBe("second");
  const before = await patches(first);
  await apply(httpRoute("late", onServer("web"), POLICY));
  await untilSaid(`httproutes.${POLICY}`, "late", { web: ACCEPTED });
  expect(await patches(second)).toBeGreaterThan(0);

  first.relay.mend();
  await first.logs.until("watching again");
  await apply(server("late"), httpRoute("late", onServer("late"), POLICY));
  await untilSaid(`httproutes.${POLICY}`, "late", { late: ACCEPTED });
  expect(await patches(first)).toBe(before);
});

/** How many statuses a replica has written. */
async function patches({ control }: Replica): Promise<number> {
  const url = `http://127.0.0.1:${control.ports["admin"]}/metrics`;
  const text = await (await fetch(url)).text();
  const found = /^resource_status_patches_total (\d+)$/m.exec(text);
  return Number(found?.[1] ?? NaN);
}
