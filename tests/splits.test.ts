// Routes split requests by weight, through real proxies: shares, changes under load, backends of every kind, and counts.
import {
  afterAll,
  afterEach,
  beforeAll,
  expect,
  setDefaultTimeout,
  test,
} from "bun:test";
import { type Load, type LoadSpec, startLoad } from "../demo/bed/load.ts";
import type { KubeObject } from "../demo/bed/objects.ts";
import type { Pod } from "../demo/bed/pod.ts";
import type { Service } from "../demo/bed/service.ts";
import { waitFor } from "../demo/bed/wait.ts";
import type { LoadResult } from "../demo/workloads/load.ts";
import {
  type Application,
  serveGrpc,
  serveHttp,
} from "./testing/application.ts";
import { ask } from "./testing/ask.ts";
import { binomialInterval } from "./testing/binomial.ts";
import { connectFrom } from "./testing/http2-client.ts";
import { type Mesh, MESH_TIMEOUT_MS, openMesh } from "./testing/mesh.ts";
import {
  markedRoute,
  readCount,
  routeObject,
  untilMarked,
} from "./testing/routes.ts";

setDefaultTimeout(60_000);

const PORTS = { http: 8080, grpc: 9000 } as const;
/** Requests that must pass for "none failed" to mean something. */
const MANY = 500;
const NAMES = ["stable", "canary", "remote"] as const;
type Name = (typeof NAMES)[number];

let mesh: Mesh;
let caller: Pod;
let shop: Service;
const pods = new Map<Name, Pod>();
const http = new Map<Name, Application>();
const grpc = new Map<Name, Application>();
let load: Load | null = null;

beforeAll(async () => {
  mesh = await openMesh("splits");
  const { bed } = mesh;
  const ports = [
    { name: "http", port: PORTS.http },
    { name: "grpc", port: PORTS.grpc, appProtocol: "kubernetes.io/h2c" },
  ];
  // Before any pod: a proxy asks again after 30 s for an address that the control plane has not heard of.
  const services = {
    // The name that is called: what it has itself gets nothing as soon as there is a route.
    shop: await bed.addService({ name: "shop", ports }),
    stable: await bed.addService({ name: "stable", ports }),
    canary: await bed.addService({ name: "canary", ports }),
  };
  shop = services.shop;
  const adding = bed.addPod({ name: "caller" });
  await Promise.all(NAMES.map(async (name) => {
    const pod = await bed.addPod({ name, ports: Object.values(PORTS) });
    pods.set(name, pod);
    http.set(name, serveHttp(pod, PORTS.http));
    grpc.set(name, serveGrpc(pod, PORTS.grpc));
  }));
  caller = await adding;
  await services.shop.setEndpoints([podOf("stable")]);
  await services.stable.setEndpoints([podOf("stable")]);
  await services.canary.setEndpoints([podOf("canary")]);
  await waitFor(async () => (await askShop()).status === 200 || null, {
    what: () => "the Service in use",
    timeoutMs: 45_000,
  });
}, MESH_TIMEOUT_MS);

afterEach(async () => {
  await load?.stop();
  load = null;
});

afterAll(async () => {
  for (const application of [...http.values(), ...grpc.values()]) {
    application.close();
  }
  await mesh.close();
}, MESH_TIMEOUT_MS);

function found<T>(map: ReadonlyMap<Name, T>, name: Name): T {
  const value = map.get(name);
  if (value === undefined) throw new Error(`There is no ${name}`);
  return value;
}
const podOf = (name: Name) => found(pods, name);
const httpOf = (name: Name) => found(http, name);

/** A rule that sends to Services by weight. */
function split(
  weights: Partial<Record<Name, number>>,
  port: number = PORTS.http,
): { readonly backendRefs: readonly object[] } {
  const backendRefs = Object.entries(weights)
    .map(([name, weight]) => ({ name, port, weight }));
  return { backendRefs };
}

/** Puts rules for the Service in force. */
async function follow(
  ...rules: readonly { readonly backendRefs: readonly object[] }[]
): Promise<void> {
  const service = { name: "shop", port: PORTS.http };
  const { object, path } = markedRoute(service, rules);
  await mesh.bed.apply(object);
  await untilMarked(() => askShop(path));
}

/** One request of the caller, on a connection of its own. */
const askShop = (path = "/") => ask(caller, shop, PORTS.http, { path });

const shopLoad = (spec: Partial<LoadSpec>): Load =>
  startLoad(caller, {
    url: `http://shop:${PORTS.http}/`,
    connections: 8,
    ...spec,
  });

/** Sends requests to the Service, and says how they went and how many came to each pod. */
async function send(
  requests: number,
): Promise<{ result: LoadResult; shares: Record<Name, number> }> {
  const before = countAll(http);
  const result = await shopLoad({ requests }).result();
  return { result, shares: countAll(http, before) };
}

function countAll(
  of: ReadonlyMap<Name, Application>,
  before?: Record<Name, number>,
): Record<Name, number> {
  const since = (name: Name) => found(of, name).asked - (before?.[name] ?? 0);
  return {
    stable: since("stable"),
    canary: since("canary"),
    remote: since("remote"),
  };
}

function expectShare(count: number, trials: number, probability: number): void {
  const { least, most } = binomialInterval(trials, probability);
  expect(count).toBeGreaterThanOrEqual(least);
  expect(count).toBeLessThanOrEqual(most);
}

/** Responses that the caller's proxy counts for one backend of the route. */
const counted = (backend: Name, kind: "http" | "grpc" = "http") =>
  readCount(
    caller,
    `outbound_${kind}_route_backend_response_statuses_total`,
    {
      parent_name: "shop",
      route_name: "shop",
      backend_name: backend,
      [`${kind}_status`]: kind === "http" ? "200" : "OK",
    },
  );

test("90 and 10 is 90 % and 10 % of 10,000 requests, and the metrics of the route say so", async () => {
  const requests = 10_000;
  await follow(split({ stable: 90, canary: 10 }));
  const before = [await counted("stable"), await counted("canary")];
  const { result, shares } = await send(requests);
  expect(result).toMatchObject({ failed: 0, statuses: { 200: requests } });
  expect(shares.stable + shares.canary).toBe(requests);
  expectShare(shares.canary, requests, 0.1);
  const after = [await counted("stable"), await counted("canary")];
  expect(after.map((count, at) => count - (before[at] ?? 0)))
    .toEqual([shares.stable, shares.canary]);
});

test("new weights hold within a second of the edit, and no request fails of them", async () => {
  await follow(split({ stable: 100, canary: 0 }));
  load = shopLoad({ method: "POST", body: "x".repeat(1_000) });
  await load.started();
  const ways = ["canary", "stable", "canary", "stable"] as const;
  for (const name of ways) {
    const other = name === "canary" ? "stable" : "canary";
    const editedMs = performance.now();
    await mesh.bed.apply(
      routeObject("HTTPRoute", { name: "shop", port: PORTS.http }, [
        split({ [name]: 100, [other]: 0 }),
      ]),
    );
    const before = httpOf(name).asked;
    await waitFor(() => httpOf(name).asked > before + MANY || null, {
      what: () => `${MANY} requests of ${name}`,
    });
    // The last one that went the old way.
    expect(httpOf(other).lastMs - editedMs).toBeLessThan(1_000);
    const left = httpOf(other).asked;
    const goal = httpOf(name).asked + MANY;
    await waitFor(() => httpOf(name).asked > goal || null, {
      what: () => `${MANY} more requests of ${name}`,
    });
    expect(httpOf(other).asked).toBe(left);
  }
  const result = await load.stop();
  expect(result).toMatchObject({ failed: 0, errors: {} });
  expect(result.requests).toBeGreaterThan(2 * MANY * ways.length);
});

test("a weight of zero gets nothing", async () => {
  await follow(split({ stable: 1, canary: 0 }));
  const { result, shares } = await send(MANY);
  expect(result.failed).toBe(0);
  expect(shares).toEqual({ stable: MANY, canary: 0, remote: 0 });
});

test("weights that are all zero answer 500, as what is not there does", async () => {
  await follow(split({ stable: 0, canary: 0 }));
  expect(await askShop()).toMatchObject({
    status: 500,
    error:
      "core/Service shop.default: gateway.networking.k8s.io/HTTPRoute shop.default: every backend of this rule has weight 0",
  });
  const { result, shares } = await send(100);
  expect(result.statuses).toEqual({ 500: 100 });
  expect(shares).toEqual({ stable: 0, canary: 0, remote: 0 });
  // The connections go on.
  expect(result.connections).toBe(8);
});

test("a backend that is not there fails its share, and that alone", async () => {
  const requests = 2_000;
  const missing = { name: "gone", port: PORTS.http, weight: 1 };
  const { backendRefs } = split({ stable: 1 });
  await follow({ backendRefs: [...backendRefs, missing] });
  const { result, shares } = await send(requests);
  const failed = result.statuses["500"] ?? 0;
  expectShare(failed, requests, 0.5);
  expect(result.errors).toEqual({});
  expect(shares.stable).toBe(requests - failed);
});

/** A Service of another cluster: its endpoints are what is mirrored here. */
function imported(pod: Pod): KubeObject[] {
  const metadata = { name: "elsewhere", namespace: "default" };
  const port = { name: "http", port: PORTS.http, protocol: "TCP" };
  return [{
    apiVersion: "multicluster.x-k8s.io/v1alpha1",
    kind: "ServiceImport",
    metadata,
    spec: { type: "ClusterSetIP", ports: [port] },
  }, {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      ...metadata,
      labels: { "multicluster.kubernetes.io/service-name": "elsewhere" },
    },
    addressType: "IPv4",
    ports: [port],
    endpoints: [{ addresses: [pod.ip], conditions: { ready: true } }],
  }];
}

test("a ServiceImport is a backend as a Service is", async () => {
  const requests = 2_000;
  await mesh.bed.apply(...imported(podOf("remote")));
  const reference = {
    group: "multicluster.x-k8s.io",
    kind: "ServiceImport",
    name: "elsewhere",
    port: PORTS.http,
    weight: 1,
  };
  const { backendRefs } = split({ stable: 3 });
  await follow({ backendRefs: [...backendRefs, reference] });
  const { result, shares } = await send(requests);
  expect(result.failed).toBe(0);
  expectShare(shares.remote, requests, 0.25);
  expect(shares.stable).toBe(requests - shares.remote);
  const labels = {
    route_name: "shop",
    backend_group: "multicluster.x-k8s.io",
    backend_kind: "ServiceImport",
    backend_name: "elsewhere",
    http_status: "200",
  };
  const family = "outbound_http_route_backend_response_statuses_total";
  expect(await readCount(caller, family, labels)).toBe(shares.remote);
});

test("calls are split by a GRPCRoute, each method by its own weights", async () => {
  const calls = 3_000;
  const rule = (
    method: string,
    weights: Parameters<typeof split>[0],
  ) => ({
    matches: [{ method: { service: "tests.Echo", method } }],
    ...split(weights, PORTS.grpc),
  });
  await mesh.bed.apply(
    routeObject("GRPCRoute", { name: "shop", port: PORTS.grpc }, [
      rule("Say", { stable: 90, canary: 10 }),
      rule("Fail", { stable: 0, canary: 0 }),
    ]),
  );
  const client = await connectFrom(caller, shop.clusterIp, PORTS.grpc);
  const say = () => client.call("/tests.Echo/Say");
  await waitFor(
    async () =>
      (await client.call("/tests.Echo/Fail")).grpcStatus === UNAVAILABLE ||
      null,
    { what: () => "the route in force" },
  );
  const before = countAll(grpc);
  for (let sent = 0; sent < calls; sent += BATCH) {
    const outcomes = await Promise.all(Array.from({ length: BATCH }, say));
    for (const { status, grpcStatus } of outcomes) {
      expect([status, grpcStatus]).toEqual([200, 0]);
    }
  }
  const shares = countAll(grpc, before);
  expect(shares.stable + shares.canary).toBe(calls);
  expectShare(shares.canary, calls, 0.1);
  expect([await counted("stable", "grpc"), await counted("canary", "grpc")])
    .toEqual([shares.stable, shares.canary]);
  client.close();
});
const UNAVAILABLE = 14;
const BATCH = 50;
