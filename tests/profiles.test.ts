// What a ServiceProfile says of a Service is what its clients' proxies do: routes, splits, classes, retries, timeouts.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { startLoad } from "../demo/bed/load.ts";
import { type Pod, proxyOf } from "../demo/bed/pod.ts";
import { waitFor } from "../demo/bed/wait.ts";
import { parseMetrics } from "../demo/metrics.ts";
import { inPod } from "./testing/in-pod.ts";
import { type Mesh, MESH_TIMEOUT_MS, openMesh } from "./testing/mesh.ts";
import { dialRaw, listenRaw, type RawServer } from "./testing/raw-socket.ts";

setDefaultTimeout(60_000);

const PORT = 8080;
/** In Linkerd's default list of opaque ports. */
const OPAQUE_PORT = 9300;
const WEB = "web.default.svc.cluster.local";
const DST = `${WEB}:80`;

/** What an application has been asked. */
interface Asked {
  readonly path: string;
  readonly canonical: string | null;
  readonly body: string;
}

let mesh: Mesh;
let caller: Pod;
let server: Pod;
let clusterIp: string;
/** What the applications of each Service were asked, and how they answer; replaced by each test. */
const asked = { web: [] as Asked[], other: [] as Asked[] };
let answer: (path: string) => number | Promise<number> = () => 200;
const greeters: RawServer[] = [];
const servers: { stop(now: boolean): Promise<void> }[] = [];

beforeAll(async () => {
  mesh = await openMesh("profiles");
  const { bed } = mesh;
  const [client, web, other] = await Promise.all([
    bed.addPod({ name: "caller" }),
    bed.addPod({ name: "web", ports: [PORT, OPAQUE_PORT] }),
    bed.addPod({ name: "other", ports: [PORT, OPAQUE_PORT] }),
  ]);
  caller = client;
  server = web;
  for (
    const [pod, heard] of [[web, asked.web], [other, asked.other]] as const
  ) {
    servers.push(inPod(pod, () =>
      Bun.serve({
        port: PORT,
        hostname: "0.0.0.0",
        async fetch(request) {
          const { pathname } = new URL(request.url);
          heard.push({
            path: pathname,
            canonical: request.headers.get("l5d-dst-canonical"),
            body: await request.text(),
          });
          return new Response(pod.name, { status: await answer(pathname) });
        },
      })));
    greeters.push(
      listenRaw(pod, OPAQUE_PORT, (socket) => {
        socket.write(pod.name);
        socket.finish();
      }),
    );
  }
  const ports = [
    { name: "http", port: 80, targetPort: PORT },
    { name: "raw", port: OPAQUE_PORT },
  ];
  const service = await bed.addService({ name: "web", ports, pods: [web] });
  await bed.addService({ name: "other", ports, pods: [other] });
  clusterIp = service.clusterIp;
  await waitFor(async () => (await ask("/")).status === 200 || null, {
    what: () => "the Service in use",
  });
}, MESH_TIMEOUT_MS);

afterAll(async () => {
  for (const greeter of greeters) greeter.close();
  for (const server of servers) await server.stop(true);
  await mesh.close();
}, MESH_TIMEOUT_MS);

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** A request from the caller on a connection of its own. */
async function ask(
  path: string,
  { method = "GET", body = "" }: { method?: string; body?: string } = {},
): Promise<Answer> {
  const socket = await dialRaw(caller, clusterIp, 80);
  socket.write(
    [
      `${method} ${path} HTTP/1.1`,
      "host: web",
      "connection: close",
      `content-length: ${body.length}`,
      "",
      body,
    ].join("\r\n"),
  );
  const text = (await socket.ended).toString("latin1");
  return { status: Number(text.split(" ")[1]), text };
}

/** Puts a ServiceProfile in force: told, when a request says so. */
async function follow(spec: object | null): Promise<void> {
  const marker = `/marker-${++markers}`;
  const routes = (spec as { routes?: readonly object[] } | null)?.routes ?? [];
  const object = {
    apiVersion: "linkerd.io/v1alpha2",
    kind: "ServiceProfile",
    metadata: { name: WEB, namespace: "default" },
    spec: {
      ...spec,
      routes: [
        { name: marker, condition: { pathRegex: marker } },
        ...routes,
      ],
    },
  };
  if (spec === null) await mesh.bed.remove(object);
  else await mesh.bed.apply(object);
  await waitFor(async () => {
    await ask(marker);
    const took = await counted("route_request_total", { rt_route: marker });
    const isGone = [...asked.web, ...asked.other].some((one) =>
      one.path === marker && one.canonical === null
    );
    return (spec === null ? isGone : took > 0) || null;
  }, { what: () => "the profile in force" });
  asked.web.length = asked.other.length = 0;
}
let markers = 0;

/** The sum of a family's samples on a pod's page that have these labels. */
async function counted(
  name: string,
  wanted: Readonly<Record<string, string>>,
  pod = caller,
): Promise<number> {
  const samples = parseMetrics(await proxyOf(pod).metrics());
  return samples.filter((sample) =>
    sample.name === name &&
    Object.entries(wanted).every(([key, value]) =>
      (sample.labels[key] ?? "") === value
    )
  ).reduce((sum, { value }) => sum + value, 0);
}

/** How much a count grew meanwhile. */
async function growth(
  name: string,
  wanted: Readonly<Record<string, string>>,
  act: () => Promise<unknown>,
): Promise<number> {
  const before = await counted(name, wanted);
  await act();
  return await counted(name, wanted) - before;
}

const override = (name: string, weight: string | number) => ({
  authority: `${name}.default.svc.cluster.local`,
  weight,
});

const route = (name: string, condition: object, more: object = {}) => ({
  name,
  condition,
  ...more,
});

test("requests are counted by the first route that they fit, and applications are told what was called", async () => {
  await follow({
    routes: [
      route("book", { method: "GET", pathRegex: "/books/\\d+" }),
      route("books", { any: [{ pathRegex: "/books(/.*)?" }] }),
      route("not a write", { not: { any: [{ method: "POST" }] } }),
    ],
  });
  const cases = [
    ["GET", "/books/12?full=1", "book"],
    ["GET", "/books/12/pages", "books"],
    ["POST", "/books/12", "books"],
    ["GET", "/authors", "not a write"],
    ["POST", "/authors", ""],
  ] as const;
  for (const [method, path, rt_route] of cases) {
    const labels = { direction: "outbound", dst: DST, rt_route };
    expect(
      await growth("route_request_total", labels, () => ask(path, { method })),
    ).toBe(1);
  }
  expect(asked.web.map(({ canonical }) => canonical)).toEqual(
    cases.map(() => DST),
  );
});

test("a request counts where it arrives, too, by the same routes and classes", async () => {
  answer = () => 404;
  await follow({
    routes: [
      route("missing", { pathRegex: "/missing" }, {
        responseClasses: [
          { condition: { status: { min: 404, max: 404 } }, isFailure: true },
        ],
      }),
    ],
  });
  const served = {
    direction: "inbound",
    dst: DST,
    rt_route: "missing",
    status_code: "404",
    classification: "failure",
  };
  const failed = () => counted("route_response_total", served, server);
  // Each proxy is told by a stream of its own.
  await waitFor(async () => {
    await ask("/missing");
    return await failed() > 0 || null;
  }, { what: () => "the profile in force where requests arrive" });
  const before = await failed();
  for (let sent = 0; sent < 5; sent++) await ask("/missing");
  expect(await failed()).toBe(before + 5);
  const { dst, rt_route, direction } = served;
  const latencies = { dst, rt_route, direction, status_code: "404" };
  expect(
    await counted("route_response_latency_ms_count", latencies, server),
  ).toBe(await failed());
  // A request for no Service has no profile.
  expect(await counted("route_request_total", { dst: "" }, server)).toBe(0);
  answer = () => 200;
});

test("what counts as a failure is what the route says", async () => {
  answer = (path) => Number(path.slice(1)) || 200;
  const classes = (...ranges: readonly object[]) => ({
    responseClasses: ranges,
  });
  await follow({
    routes: [
      route(
        "judged",
        { pathRegex: "/[45].." },
        classes(
          { condition: { status: { min: 404, max: 404 } }, isFailure: true },
          { condition: { status: { min: 503 } }, isFailure: false },
        ),
      ),
    ],
  });
  const cases = [
    ["404", "failure"],
    ["403", "success"],
    ["503", "success"],
    ["500", "failure"],
  ] as const;
  for (const [status_code, classification] of cases) {
    const labels = { status_code, classification, dst: DST };
    const act = () => ask(`/${status_code}`);
    expect(await growth("route_response_total", labels, act)).toBe(1);
    const endpoint = { status_code, classification, dst_service: "web" };
    expect(await growth("response_total", endpoint, act)).toBe(1);
  }
  answer = () => 200;
});

test("overrides split requests by weight, and what gets nothing leaves them to the Service", async () => {
  await follow({
    dstOverrides: [override("web", "900m"), override("other", "100m")],
  });
  const requests = 600;
  for (let sent = 0; sent < requests; sent++) await ask("/");
  expect(asked.web.length + asked.other.length).toBe(requests);
  // Of a binomial with p = 0.1: 60 ± 7.3; outside of five deviations once in 1.7 million.
  expect(asked.other.length).toBeGreaterThan(60 - 37);
  expect(asked.other.length).toBeLessThan(60 + 37);

  await follow({ dstOverrides: [override("web", 0), override("other", 1)] });
  for (let sent = 0; sent < 20; sent++) await ask("/");
  expect([asked.web.length, asked.other.length]).toEqual([0, 20]);

  await follow({ dstOverrides: [override("other", 0)] });
  for (let sent = 0; sent < 20; sent++) await ask("/");
  expect([asked.web.length, asked.other.length]).toEqual([20, 0]);
});

test("it goes before routes of client policy, which hold again without it", async () => {
  const httpRoute = {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { name: "away", namespace: "default" },
    spec: {
      parentRefs: [{ group: "core", kind: "Service", name: "web", port: 80 }],
      rules: [{ backendRefs: [{ name: "other", port: 80 }] }],
    },
  };
  await follow({ routes: [route("all", { pathRegex: "/.*" })] });
  await mesh.bed.apply(httpRoute);
  await follow({ routes: [route("same", { pathRegex: "/.*" })] });
  await ask("/");
  expect([asked.web.length, asked.other.length]).toEqual([1, 0]);

  await follow(null);
  // Routes are told on a stream of their own.
  await waitFor(async () => {
    await ask("/");
    return asked.other.length > 0 || null;
  }, { what: () => "a request taken by the route" });
  await mesh.bed.remove(httpRoute);
});

/** Fails so many times, then no more. */
function failing(times: number, status = 503): typeof answer {
  let left = times;
  return (path) => path.startsWith("/marker") || left-- <= 0 ? 200 : status;
}

const RETRIED = { isRetryable: true };
const ALL = { pathRegex: "/.*" };

test("what fails is sent again, whole, and counted as one request", async () => {
  await follow({ routes: [route("again", ALL, RETRIED)] });
  const labels = { dst: DST, rt_route: "again" };
  for (const body of ["", "x".repeat(60_000)]) {
    asked.web.length = 0;
    answer = failing(2);
    const before = {
      routed: await counted("route_request_total", labels),
      sent: await counted("route_actual_request_total", labels),
      again: await counted("route_retryable_total", {
        ...labels,
        skipped: "",
      }),
    };
    const { status } = await ask("/x", { method: "POST", body });
    expect(status).toBe(200);
    expect(asked.web.map((one) => one.body === body)).toEqual(
      [true, true, true],
    );
    expect({
      routed: await counted("route_request_total", labels) - before.routed,
      sent: await counted("route_actual_request_total", labels) - before.sent,
      again: await counted("route_retryable_total", {
        ...labels,
        skipped: "",
      }) - before.again,
    }).toEqual({ routed: 1, sent: 3, again: 2 });
  }
});

test("a body that is too long, a route that does not say so, and what is no failure are sent once", async () => {
  const fine = [{ condition: { status: { min: 503 } }, isFailure: false }];
  await follow({
    routes: [
      route("again", { pathRegex: "/again" }, RETRIED),
      route("fine", { pathRegex: "/fine" }, {
        ...RETRIED,
        responseClasses: fine,
      }),
      route("once", ALL),
    ],
  });
  const cases = [
    ["/again", "x".repeat(70_000)],
    ["/fine", ""],
    ["/once", ""],
  ] as const;
  for (const [path, body] of cases) {
    asked.web.length = 0;
    answer = failing(1);
    const { status } = await ask(path, { method: "POST", body });
    expect({ path, status, times: asked.web.length })
      .toEqual({ path, status: 503, times: 1 });
  }
});

test("a budget that is used up sends nothing again, and says so", async () => {
  await follow({
    routes: [route("again", ALL, RETRIED)],
    retryBudget: { retryRatio: 0, minRetriesPerSecond: 1, ttl: "60s" },
  });
  answer = failing(1_000);
  const skipped = { dst: DST, rt_route: "again", skipped: "no_budget" };
  const refused = await growth("route_retryable_total", skipped, async () => {
    for (let sent = 0; sent < 3; sent++) {
      expect((await ask("/x")).status).toBe(503);
    }
  });
  expect(refused).toBe(3);
  expect(asked.web).toHaveLength(3 + 60);
  answer = () => 200;
});

test("a timeout of a route ends the wait for its answer", async () => {
  await follow({
    routes: [
      route("quick", { pathRegex: "/quick" }, { timeout: "200ms" }),
      route("patient", ALL),
    ],
  });
  const late = Promise.withResolvers<number>();
  answer = (path) => path === "/quick" ? late.promise : 200;
  const { status, text } = await ask("/quick");
  expect(status).toBe(504);
  expect(text).toContain("l5d-proxy-error");
  expect((await ask("/patient")).status).toBe(200);
  late.resolve(200);
  answer = () => 200;
});

test("bytes go where overrides say, and where they went without any", async () => {
  const greeted = async () => {
    const socket = await dialRaw(caller, clusterIp, OPAQUE_PORT);
    return (await socket.ended).toString();
  };
  const untilGreeted = (name: string) =>
    waitFor(async () => await greeted() === name || null, {
      what: () => `a greeting of ${name}`,
    });
  await follow({ dstOverrides: [override("other", 1)] });
  await untilGreeted("other");
  await follow({ routes: [route("all", ALL)] });
  await untilGreeted("web");
});

test("requests go on while profiles come, change and go", async () => {
  await follow({ routes: [route("all", ALL)] });
  const load = startLoad(caller, { url: "http://web/x", connections: 4 });
  await load.started();
  await follow({ dstOverrides: [override("web", 1), override("other", 1)] });
  await follow({ dstOverrides: [override("other", 1)] });
  await follow(null);
  await follow({ routes: [route("all", ALL, RETRIED)] });
  const { requests, succeeded, errors } = await load.stop();
  expect(requests).toBeGreaterThan(0);
  expect({ succeeded, errors }).toEqual({ succeeded: requests, errors: {} });
});
