// A route that is wrong, in another's way, enormous or cruel to match is nobody else's affair, through real proxies.
import {
  afterAll,
  beforeAll,
  describe,
  expect,
  setDefaultTimeout,
  test,
} from "bun:test";
import { readCpuMs } from "../bench/measure.ts";
import { type Load, startLoad } from "../demo/bed/load.ts";
import { type Pod, proxyOf } from "../demo/bed/pod.ts";
import type { Service } from "../demo/bed/service.ts";
import { waitFor } from "../demo/bed/wait.ts";
import { serveHttp } from "./testing/application.ts";
import { ask } from "./testing/ask.ts";
import { connectFrom } from "./testing/http2-client.ts";
import { type Mesh, MESH_TIMEOUT_MS, openMesh } from "./testing/mesh.ts";
import { markedRoute, routeObject, untilMarked } from "./testing/routes.ts";

setDefaultTimeout(60_000);

const PORT = 8080;
const ODD = { name: "odd", port: PORT };
const WEB = { name: "web", port: PORT };

let mesh: Mesh;
let caller: Pod;
const closing: (() => void)[] = [];
let web: Service;
let odd: Service;
/** Requests to the Service whose routes are well, all the while. */
let load: Load;

beforeAll(async () => {
  mesh = await openMesh("badroutes");
  const { bed } = mesh;
  // Before any pod: a proxy asks again only after seconds for an address that the control plane has not heard of.
  const good = markedRoute(WEB, [{ backendRefs: [WEB] }]);
  [web, odd] = [
    await bed.addService({ name: "web", ports: [PORT] }),
    await bed.addService({ name: "odd", ports: [PORT] }),
  ];
  await bed.apply(good.object);
  let server: Pod;
  [caller, server] = await Promise.all([
    bed.addPod({ name: "caller" }),
    bed.addPod({ name: "server", ports: [PORT] }),
  ]);
  closing.push(serveHttp(server, PORT).close);
  for (const service of [web, odd]) await service.setEndpoints([server]);
  await untilMarked(() => ask(caller, web, PORT, { path: good.path }));
  load = startLoad(caller, {
    url: `http://web:${PORT}/`,
    connections: 2,
    rate: 50,
  });
  await load.started();
}, MESH_TIMEOUT_MS);

afterAll(async () => {
  for (const close of closing) close();
  await mesh.close();
}, MESH_TIMEOUT_MS);

const askOdd = (path: string) => ask(caller, odd, PORT, { path });

/** A line of the control plane's log. */
function findLine(text: string): Promise<string> {
  const said = () => mesh.controlPlane.destination.program().tail();
  const find = () => said().split("\n").find((line) => line.includes(text));
  return waitFor(() => find() ?? null, {
    what: () => `"${text}" in:\n${said()}`,
  });
}

/** Puts a route for `odd` in force that does nothing but mark its requests. */
async function follow(
  ...rules: readonly Readonly<Record<string, unknown>>[]
): Promise<{ readonly path: string }> {
  const { object, path } = markedRoute(ODD, rules);
  await mesh.bed.apply(object);
  await untilMarked(() => ask(caller, odd, PORT, { path }));
  return { path };
}

/** Gateway API's limit of one route. */
const MAX_RULES = 16;

/** A rule that sends on; objects of its own, as YAML would write shared ones as aliases. */
const plain = () => ({ backendRefs: [{ ...ODD }] });
const regex = (value: string) => ({
  matches: [{ path: { type: "RegularExpression", value } }],
  ...plain(),
});
const exact = (value: string) => ({
  matches: [{ path: { type: "Exact", value } }],
  ...plain(),
});

describe("a route that cannot be meant is refused by its field, and the last one holds", () => {
  const pattern = "spec.rules[0].matches[0].path.value";
  test.each([
    ["a pattern that is none", [regex("/(")], pattern, "missing (char"],
    [
      "a pattern that would take all memory",
      [regex("/((a{1000}){1000}){1000}")],
      pattern,
      "more than 1100 steps",
    ],
    [
      "1,000 rules",
      Array.from({ length: 1_000 }, (_, at) => exact(`/${at}`)),
      "spec.rules",
      "has 1000 entries",
    ],
    [
      "a weight below zero",
      [{ backendRefs: [{ ...ODD, weight: -1 }] }],
      "spec.rules[0].backendRefs[0].weight",
      "weight is -1",
    ],
  ])("%s", async (_, rules, field, said) => {
    const { path } = await follow(plain());
    await mesh.bed.apply(routeObject("HTTPRoute", ODD, rules));
    const line = await findLine(said);
    expect(line.replaceAll('"', "")).toContain(` field=${field} `);
    expect(line).toContain("file=default.httproute.odd.yaml");
    for (const [asked, status] of [[path, 302], ["/", 200]] as const) {
      expect(await askOdd(asked)).toMatchObject({ status });
    }
  });
});

test("a route with a filter that cannot be done is not in force, and the log says which", async () => {
  const { path } = await follow(plain());
  const filters = [{
    type: "URLRewrite",
    urlRewrite: { hostname: "elsewhere" },
  }];
  const rule = { ...exact(path), filters };
  await mesh.bed.apply(routeObject("HTTPRoute", ODD, [rule]));
  expect(await findLine("URLRewrite")).toContain("spec.rules[0].filters[0]");
  // Its requests go where they would without it.
  await waitFor(async () => (await askOdd(path)).status === 200 || null, {
    what: () => "the route gone",
  });
});

test("of two routes for the same requests the first holds, whatever comes and goes", async () => {
  const { path } = await follow(plain());
  const other = routeObject("HTTPRoute", ODD, [{
    ...exact(path),
    backendRefs: [{ name: "gone", port: PORT }],
  }], { name: "odd-too" });
  const marker = markedRoute(ODD, [plain()], { name: "odd-three" });
  await mesh.bed.apply(other, marker.object);
  await untilMarked(() => askOdd(marker.path));
  expect((await askOdd(path)).status).toBe(302);
  await mesh.bed.remove(routeObject("HTTPRoute", ODD, []));
  await waitFor(async () => (await askOdd(path)).status === 500 || null, {
    what: () => "the second in force",
  });
  await mesh.bed.remove(other, marker.object);
});

test("a GRPCRoute takes a port from an HTTPRoute, which the log says, and gives it back", async () => {
  const grpc = routeObject("GRPCRoute", ODD, [plain()], { name: "odd-grpc" });
  await mesh.bed.apply(grpc);
  const { object, path } = markedRoute(ODD, [plain()]);
  await mesh.bed.apply(object);
  expect(await findLine("GRPCRoute default/odd-grpc hangs on the same ports"))
    .toContain("HTTPRoute default/odd is not in force on Service odd");
  const read = async () => {
    const client = await connectFrom(caller, odd.clusterIp, PORT);
    const { status } = await client.get(path);
    client.close();
    return status;
  };
  await waitFor(async () => await read() === 404 || null, {
    what: () => "the GRPCRoute in force",
  });
  await mesh.bed.remove(grpc);
  await untilMarked(() => askOdd(path));
  await mesh.bed.remove(object);
});

/** CPU time of the caller's proxy for so many requests to one path, in microseconds for each. */
async function costOf(service: Service, path: string): Promise<number> {
  const requests = 2_000;
  const { pid } = proxyOf(caller).program();
  const before = await readCpuMs([pid]);
  const url = `http://${service.name}:${PORT}${path}`;
  const result = await startLoad(caller, { url, connections: 8, requests })
    .result();
  expect(result).toMatchObject({ failed: 0, requests });
  return (await readCpuMs([pid]) - before) / requests * 1_000;
}

test("1,000 rules of 63 routes take a proxy two seconds at most, and a request hardly more than one rule", async () => {
  const { pid } = proxyOf(caller).program();
  const before = await readCpuMs([pid]);
  const routes = Array.from({ length: 63 }, (_, route) => {
    const rules = Array.from(
      { length: MAX_RULES },
      (_, at) => exact(`/items/${route * MAX_RULES + at}`),
    );
    return routeObject("HTTPRoute", ODD, rules, { name: `odd-${route}` });
  });
  await mesh.bed.apply(...routes);
  // What no route takes is answered with 404.
  await waitFor(async () => (await askOdd("/none")).status === 404 || null, {
    what: () => "a route in force",
  });
  for (const last of [0, 500, 1_007]) {
    await waitFor(
      async () => (await askOdd(`/items/${last}`)).status === 200 || null,
      { what: () => `rule ${last} in force` },
    );
  }
  const followedMs = await readCpuMs([pid]) - before;
  expect(followedMs).toBeLessThan(2_000);
  const plainUs = await costOf(web, "/");
  expect(await costOf(odd, "/items/1007")).toBeLessThan(3 * plainUs);
  await mesh.bed.remove(...routes);
});

test("patterns that have stopped other engines cost a request little, and one another's nothing", async () => {
  await follow(
    ...["/(a+)+b", "/(a|aa)+b", "/(.*a){20}b", "/((a?){50})+b"].map(regex),
    plain(),
  );
  const path = `/${"a".repeat(4_000)}`;
  const plainUs = await costOf(web, path);
  expect(await costOf(odd, path)).toBeLessThan(6 * plainUs);
});

test("all the while nobody else has felt it", async () => {
  const result = await load.stop();
  expect(result).toMatchObject({ failed: 0, errors: {} });
  expect(result.requests).toBeGreaterThan(100);
});
