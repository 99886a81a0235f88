// Each manifest of docs/traffic.md, as it is printed there, does what is written beside it.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { readFile, writeFile } from "node:fs/promises";
import { parseManifest } from "../demo/bed/folder.ts";
import type { KubeObject } from "../demo/bed/objects.ts";
import type { Pod } from "../demo/bed/pod.ts";
import type { Service } from "../demo/bed/service.ts";
import { waitFor } from "../demo/bed/wait.ts";
import {
  type Application,
  type Asked,
  serveGrpc,
  serveHttp,
} from "./testing/application.ts";
import { ask, type HttpAnswer, type HttpQuestion } from "./testing/ask.ts";
import { binomialInterval } from "./testing/binomial.ts";
import { connectFrom } from "./testing/http2-client.ts";
import { type Mesh, MESH_TIMEOUT_MS, openMesh } from "./testing/mesh.ts";
import { readCount } from "./testing/routes.ts";

setDefaultTimeout(60_000);

const HTTP = 8080;
const GRPC = 9000;
const namespace = "shop";
/** The Services of the guide. */
const PORTS = {
  "catalog": HTTP,
  "catalog-v2": HTTP,
  "pricing": GRPC,
  "pricing-v2": GRPC,
  "orders": HTTP,
  "reviews": HTTP,
} as const;
type Name = keyof typeof PORTS;
const NAMES = Object.keys(PORTS) as Name[];

/** The manifests of the guide by kind and name, as they are printed. */
const printed = new Map<string, { text: string; object: KubeObject }>();
const guide = await readFile(`${import.meta.dir}/../docs/traffic.md`, "utf8");
for (const [, text = ""] of guide.matchAll(/^```yaml\n(.*?)^```$/gms)) {
  const [object] = parseManifest(text, "docs/traffic.md");
  if (object === undefined) throw new Error(`no object in:\n${text}`);
  printed.set(`${object.kind} ${object.metadata.name}`, { text, object });
}

let mesh: Mesh;
let caller: Pod;
const services = new Map<Name, Service>();
const applications = new Map<Name, Application>();
/** How `orders`, and one pod of `reviews`, answer. */
let answer: (asked: Asked) => number | Promise<number> = () => 200;
/** The same pod of `reviews`. */
let failing: Application;
const closing: (() => void)[] = [];

beforeAll(async () => {
  mesh = await openMesh("traffic");
  const { bed } = mesh;
  // Before any pod: a proxy asks again after 30 s for an address that the control plane has not heard of.
  for (const name of NAMES) {
    const appProtocol = PORTS[name] === GRPC ? "kubernetes.io/h2c" : "http";
    const ports = [{ port: PORTS[name], appProtocol }];
    const annotations = name === "reviews"
      ? annotationsOf("Service reviews")
      : {};
    const spec = { name, namespace, ports, annotations };
    services.set(name, await bed.addService(spec));
  }
  const add = (name: string, port: number) =>
    bed.addPod({ name, namespace, ports: [port] });
  const adding = bed.addPod({ name: "caller", namespace });
  const pods = await Promise.all(NAMES.map((name) => add(name, PORTS[name])));
  const second = await add("reviews-2", HTTP);
  caller = await adding;
  for (const [at, name] of NAMES.entries()) {
    const pod = pods[at];
    if (pod === undefined) throw new Error(`There is no ${name}`);
    const serve = PORTS[name] === GRPC ? serveGrpc : serveHttp;
    const answering = name === "orders"
      ? (asked: Asked) => answer(asked)
      : undefined;
    const application = serve(pod, PORTS[name], answering);
    applications.set(name, application);
    closing.push(application.close);
    await serviceOf(name).setEndpoints(
      name === "reviews" ? [pod, second] : [pod],
    );
  }
  failing = serveHttp(second, HTTP, (asked) => answer(asked));
  closing.push(failing.close);
}, MESH_TIMEOUT_MS);

afterAll(async () => {
  for (const close of closing) close();
  await mesh.close();
}, MESH_TIMEOUT_MS);

function annotationsOf(key: string): Readonly<Record<string, string>> {
  return printed.get(key)?.object.metadata.annotations ?? {};
}

function serviceOf(name: Name): Service {
  const service = services.get(name);
  if (service === undefined) throw new Error(`There is no ${name}`);
  return service;
}

/** How many requests a Service's pod has had. */
const asked = (name: Name): number => applications.get(name)?.asked ?? 0;

const askOf = (name: Name, question?: HttpQuestion): Promise<HttpAnswer> =>
  ask(caller, serviceOf(name), PORTS[name], question);

/** Saves a manifest of the guide, and waits until a request shows that it is in force. */
async function save(
  key: string,
  isInForce: () => Promise<boolean>,
): Promise<void> {
  const { text = "" } = printed.get(key) ?? {};
  const file = `${key.toLowerCase().replace(" ", "-")}.yaml`;
  await writeFile(`${mesh.bed.layout.manifests}/${file}`, text);
  printed.delete(key);
  await waitFor(async () => await isInForce() || null, {
    what: () => `${key} in force`,
    timeoutMs: 45_000,
  });
}

function expectShare(count: number, trials: number, probability: number): void {
  const { least, most } = binomialInterval(trials, probability);
  expect(count).toBeGreaterThanOrEqual(least);
  expect(count).toBeLessThanOrEqual(most);
}

test("a canary gets one in ten, and everything of those who ask for it", async () => {
  const headers = ["x-canary: yes"];
  await save("HTTPRoute catalog", async () => {
    await askOf("catalog", { headers });
    return asked("catalog-v2") > 0;
  });
  const requests = 1_000;
  const before = asked("catalog-v2");
  for (let sent = 0; sent < requests; sent++) {
    expect((await askOf("catalog")).status).toBe(200);
  }
  const share = asked("catalog-v2") - before;
  expectShare(share, requests, 0.1);
  for (let sent = 0; sent < 50; sent++) await askOf("catalog", { headers });
  expect(asked("catalog-v2") - before).toBe(share + 50);
});

test("calls of one method are split, and others are not", async () => {
  const { clusterIp } = serviceOf("pricing");
  const client = await connectFrom(caller, clusterIp, GRPC);
  const quote = () => client.call("/shop.Pricing/Quote");
  await save("GRPCRoute pricing", async () => {
    await quote();
    return asked("pricing-v2") > 0;
  });
  const calls = 400;
  const before = asked("pricing-v2");
  for (let sent = 0; sent < calls; sent++) {
    expect((await quote()).grpcStatus).toBe(0);
  }
  const share = asked("pricing-v2") - before;
  expectShare(share, calls, 0.5);
  for (let sent = 0; sent < 50; sent++) {
    await client.call("/shop.Pricing/Watch");
  }
  expect(asked("pricing-v2") - before).toBe(share);
  client.close();
});

test("failed requests are sent again, and slow ones end", async () => {
  answer = () => 503;
  const attempts = async (path: string): Promise<number> => {
    const before = asked("orders");
    await askOf("orders", { path, method: "POST", body: "one" });
    return asked("orders") - before;
  };
  await save("HTTPRoute orders", async () => await attempts("/") === 3);
  answer = () => 500;
  expect(await attempts("/")).toBe(1);
  // Two attempts of 400 ms and the waits between leave the last one what remains of the second.
  answer = () => new Promise(() => {});
  const before = asked("orders");
  const { status, tookMs } = await askOf("orders");
  expect([status, asked("orders") - before]).toEqual([504, 3]);
  expect(tookMs).toBeGreaterThanOrEqual(999);
});

test("a pod that fails is left out, and the others go on", async () => {
  const key = "Service reviews";
  expect(annotationsOf(key)).not.toEqual({});
  printed.delete(key);
  answer = () => 500;
  const labels = { parent_name: "reviews", endpoint_state: "pending" };
  await waitFor(async () => {
    await askOf("reviews");
    const family = "outbound_http_balancer_endpoints";
    return await readCount(caller, family, labels) === 1 || null;
  }, { what: () => "the pod left out", timeoutMs: 45_000 });
  expect(failing.asked).toBeGreaterThanOrEqual(7);
  // Now and then it may try.
  const answers = [];
  for (let sent = 0; sent < 30; sent++) answers.push(await askOf("reviews"));
  const failed = answers.filter(({ status }) => status !== 200);
  expect(failed.length).toBeLessThan(5);
});

test("nothing is printed that nobody has tried", () => {
  expect([...printed.keys()]).toEqual([]);
});
