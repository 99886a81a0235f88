// Requests take their traces through the mesh: spans of real proxies, as a collector gets them.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Pod, proxyOf } from "../../demo/bed/pod.ts";
import { waitFor } from "../../demo/bed/wait.ts";
import { parseMetrics } from "../../demo/metrics.ts";
import { inPod } from "../testing/in-pod.ts";
import { type Mesh, MESH_TIMEOUT_MS, openMesh } from "../testing/mesh.ts";
import type { SeenSpan } from "../testing/otlp.ts";
import {
  COLLECTOR_PORTS,
  openTraceCollector,
  type TraceCollector,
} from "../testing/trace-collector.ts";

/** Spans wait 10 s for others; on a busy machine everything takes longer. */
const TIMEOUT_MS = 90_000;
const WEB_PORT = 8080;
const COLLECTOR_ID =
  "collector.tracing.serviceaccount.identity.linkerd.cluster.local";
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER = "00f067aa0ba902b7";
const SAMPLED = { traceparent: `00-${TRACE}-${CALLER}-01` };

/** What is asked, by path; those with a trace and a collector leave spans, which are sent together. */
const ASKED = {
  "/unsampled": { traceparent: `00-${TRACE}-${CALLER}-00` },
  "/none": {},
  "/broken": { traceparent: `00-${TRACE}-${CALLER}` },
  "/w3c?status=500&sig=secret": { ...SAMPLED, tracestate: "a=b" },
  "/b3": { "x-b3-traceid": TRACE, "x-b3-spanid": CALLER, "x-b3-sampled": "1" },
} as const;

type Fields = Readonly<Record<string, string>>;

/** The fields that have come to the application. */
const got = new Map<string, Fields>();
let mesh: Mesh;
let collectorPod: Pod;
let collector: TraceCollector;
let caller: Pod;
let server: Pod;
let untraced: Pod;
let podinfo: string;
let web: { stop(now: boolean): Promise<void> };

/** What the proxy of a pod with tracing is told. */
function tracing(port: number): Record<string, string> {
  return {
    LINKERD2_PROXY_TRACE_COLLECTOR_SVC_ADDR: `${collectorPod.ip}:${port}`,
    LINKERD2_PROXY_TRACE_COLLECTOR_SVC_NAME: COLLECTOR_ID,
    LINKERD2_PROXY_TRACE_SERVICE_NAME: "linkerd-proxy",
    LINKERD2_PROXY_TRACE_ATTRIBUTES_PATH: join(podinfo, "labels"),
    LINKERD2_PROXY_TRACE_EXTRA_ATTRIBUTES: "k8s.pod.ip=10.0.0.1\nteam=shop\n",
    OTEL_RESOURCE_ATTRIBUTES: "team=web%20shop",
    HOSTNAME: "host-of-it",
  };
}

beforeAll(async () => {
  podinfo = await mkdtemp(join(tmpdir(), "podinfo-"));
  await chmod(podinfo, 0o755);
  await writeFile(join(podinfo, "labels"), 'app="web"\nteam="nobody"\n');
  mesh = await openMesh("tracing");
  const { bed } = mesh;
  collectorPod = await bed.addPod({
    name: "collector",
    namespace: "tracing",
    serviceAccount: "collector",
    ports: Object.values(COLLECTOR_PORTS),
  });
  collector = openTraceCollector(collectorPod);
  [caller, server, untraced] = await Promise.all([
    bed.addPod({
      name: "caller",
      serviceAccount: "caller",
      proxyEnv: tracing(COLLECTOR_PORTS.grpc),
    }),
    bed.addPod({
      name: "server",
      serviceAccount: "server",
      ports: [WEB_PORT],
      proxyEnv: tracing(COLLECTOR_PORTS.http),
    }),
    bed.addPod({ name: "untraced" }),
  ]);
  // Answers with the fields that have come.
  web = inPod(server, () =>
    Bun.serve({
      port: WEB_PORT,
      hostname: "0.0.0.0",
      fetch: (request) =>
        Response.json(Object.fromEntries(request.headers), {
          status: Number(
            new URL(request.url).searchParams.get("status") ?? 200,
          ),
        }),
    }));
  for (const [path, fields] of Object.entries(ASKED)) {
    got.set(path, await ask(path, fields));
  }
  await ask("/untraced", SAMPLED, untraced);
}, MESH_TIMEOUT_MS);

afterAll(async () => {
  await collector?.close();
  await web?.stop(true);
  await mesh?.close();
  await rm(podinfo, { recursive: true });
}, MESH_TIMEOUT_MS);

/** Asks the server with these fields; returns those that have come there. */
async function ask(
  path: string,
  fields: Fields,
  from = caller,
): Promise<Fields> {
  const url = `http://${server.ip}:${WEB_PORT}${path}`;
  const sent = Object.entries(fields)
    .flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
  return await waitFor(async () => {
    const argv = ["curl", "-s", "-A", "tester/1.0", ...sent, url];
    const { code, stdout } = await from.exec(argv);
    return code === 0 && stdout.startsWith("{") ? JSON.parse(stdout) : null;
  }, { what: () => `an answer of ${url}` });
}

/** The spans of a request, from the first to the last hop, once all four have come. */
async function chainOf(path: string): Promise<SeenSpan[]> {
  const found = await waitFor(() => {
    const spans = collector.spans.filter(({ name }) => name === path);
    return spans.length >= 4 ? spans : null;
  }, {
    what: () => `the spans of ${path} (${collector.mistakes.join()})`,
    timeoutMs: 60_000,
  });
  const chain: SeenSpan[] = [];
  for (let parent = CALLER; chain.length < found.length;) {
    const next = found.find(({ parentId }) => parentId === parent);
    if (next === undefined) break;
    chain.push(next);
    parent = next.spanId;
  }
  return chain;
}

describe("a request from pod to pod", () => {
  test(
    "has four spans, each below the one before it, and the application goes on below the last",
    async () => {
      const path = "/w3c?status=500&sig=secret";
      const chain = await chainOf("/w3c");
      const hops = chain.map(({ kind, attributes: { direction } }) =>
        `${direction} ${kind}`
      );
      expect(hops).toEqual([
        "outbound SERVER",
        "outbound CLIENT",
        "inbound SERVER",
        "inbound CLIENT",
      ]);
      expect(got.get(path)).toMatchObject({
        traceparent: `00-${TRACE}-${chain[3]?.spanId}-01`,
        tracestate: "a=b",
      });
      const host = `${server.ip}:${WEB_PORT}`;
      for (const span of chain) {
        expect(span).toMatchObject({ traceId: TRACE, failed: true });
        expect(span.endNanos).toBeGreaterThan(span.startNanos);
        expect(span.attributes).toMatchObject({
          "http.request.method": "GET",
          "http.response.status_code": 500,
          "url.full": `http://${host}/w3c?status=500&sig=REDACTED`,
          "server.port": WEB_PORT,
          "user_agent.original": "tester/1.0",
        });
      }
      // Between the proxies it is HTTP/2.
      const upgraded = "http.request.header.l5d-orig-proto";
      expect(chain.map(({ attributes }) => attributes[upgraded])).toEqual([
        undefined,
        "HTTP/1.1",
        "HTTP/1.1",
        undefined,
      ]);
      expect(collector.mistakes).toEqual([]);
    },
    TIMEOUT_MS,
  );

  test("may come with B3's fields, and goes on with them", async () => {
    const chain = await chainOf("/b3");
    expect(chain).toHaveLength(4);
    const fields = got.get("/b3") ?? {};
    expect(fields).toMatchObject({
      "x-b3-traceid": TRACE,
      "x-b3-spanid": chain[3]?.spanId,
    });
    expect(fields["traceparent"]).toBeUndefined();
  }, TIMEOUT_MS);

  test("of a trace that is not sampled gets ids, and no spans", async () => {
    expect(got.get("/unsampled")?.["traceparent"]).toMatch(
      new RegExp(`^00-${TRACE}-(?!${CALLER})[0-9a-f]{16}-00$`),
    );
    // Asked later.
    await chainOf("/w3c");
    expect(collector.spans.map(({ name }) => name)).not.toContain("/unsampled");
  }, TIMEOUT_MS);

  test("without a trace, or with a broken one, goes on as it came", () => {
    expect(got.get("/none")?.["traceparent"]).toBeUndefined();
    expect(got.get("/broken")).toMatchObject(ASKED["/broken"]);
  });
});

test("a proxy without a collector leaves fields alone", async () => {
  // The server's proxy takes part all the same.
  const spans = await waitFor(() => {
    const found = collector.spans.filter(({ name }) => name === "/untraced");
    return found.length === 2 ? found : null;
  }, { what: () => "the spans of the server", timeoutMs: 60_000 });
  expect(spans.find(({ kind }) => kind === "SERVER")?.parentId).toBe(CALLER);
  expect(await proxyOf(untraced).metrics()).not.toContain("opentelemetry_");
}, TIMEOUT_MS);

test(
  "spans come over mutual TLS, by gRPC or HTTP as the port says, and name their proxy",
  async () => {
    const chain = await chainOf("/w3c");
    expect([...new Set(collector.callers)].toSorted()).toEqual([
      "grpc caller.default.serviceaccount.identity.linkerd.cluster.local",
      "http server.default.serviceaccount.identity.linkerd.cluster.local",
    ]);
    for (const { resource, scope } of chain) {
      expect(scope).toBe("linkerd-proxy");
      expect(resource).toMatchObject({
        "service.name": "linkerd-proxy",
        "host.name": "host-of-it",
        "k8s.pod.ip": "10.0.0.1",
        app: "web",
        team: "web shop",
      });
      expect(resource["process.pid"]).toBeGreaterThan(0);
      expect(resource["process.start_timestamp"]).toBeGreaterThan(
        1_700_000_000,
      );
    }
  },
  TIMEOUT_MS,
);

test("a thousand spans are sent at once, by either protocol", async () => {
  const { code } = await caller.exec([
    ...["curl", "-s", "-o", "/dev/null", "-H"],
    `traceparent: ${SAMPLED.traceparent}`,
    `http://${server.ip}:${WEB_PORT}/burst?[1-600]`,
  ]);
  expect(code).toBe(0);
  await waitFor(() => {
    const spans = collector.spans.filter(({ name }) => name === "/burst");
    return spans.length >= 2_000 ? true : null;
  }, { what: () => "two thousand spans", timeoutMs: 60_000 });
  expect(collector.mistakes).toEqual([]);
}, TIMEOUT_MS);

/** A figure of the metrics of both proxies that take part. */
async function counted(
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<number[]> {
  const pages = await Promise.all(
    [caller, server].map((pod) => proxyOf(pod).metrics()),
  );
  return pages.map((page) =>
    parseMetrics(page).find((sample) =>
      sample.name === name &&
      Object.entries(labels).every(([key, value]) =>
        sample.labels[key] === value
      )
    )?.value ?? 0
  );
}

const COMPLAINT = "The trace collector does not take spans";
const complaintsOf = (pod: Pod) =>
  proxyOf(pod).program().tail().split(COMPLAINT).length - 1;

describe("a collector", () => {
  test(
    "that does not answer, or cannot take spans now, gets them later, and no request waits for it",
    async () => {
      collector.mood = "silent";
      await ask("/later", SAMPLED);
      for (const next of ["busy", "well"] as const) {
        const before = collector.callers.length;
        await waitFor(() => {
          const since = collector.callers.slice(before).join();
          return since.includes("grpc") && since.includes("http") ? true : null;
        }, { what: () => "a request of both proxies", timeoutMs: 60_000 });
        await ask("/meanwhile", {});
        collector.mood = next;
      }
      expect(await chainOf("/later")).toHaveLength(4);
      expect(await counted("proxy_trace_spans_dropped_total")).toEqual([0, 0]);
      expect(collector.mistakes).toEqual([]);
      expect([caller, server].map(complaintsOf)).toEqual([1, 1]);
    },
    TIMEOUT_MS,
  );

  test(
    "that refuses spans is not asked again for them, and they are counted",
    async () => {
      collector.mood = "refusing";
      await ask("/refused", SAMPLED);
      await waitFor(async () => {
        const dropped = await counted("proxy_trace_spans_dropped_total", {
          reason: "refused",
        });
        return dropped.every((spans) => spans === 2) ? true : null;
      }, { what: () => "the spans dropped", timeoutMs: 60_000 });
      collector.mood = "well";
    },
    TIMEOUT_MS,
  );
});

test("a proxy that ends sends its last spans", async () => {
  await ask("/last", SAMPLED);
  await Promise.all([proxyOf(caller).stop(), proxyOf(server).stop()]);
  expect(await chainOf("/last")).toHaveLength(4);
}, TIMEOUT_MS);
