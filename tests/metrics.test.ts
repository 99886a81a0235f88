// What the proxies count is what was done: against an exact load generator, and through a real Prometheus.
import {
  afterAll,
  beforeAll,
  describe,
  expect,
  setDefaultTimeout,
  test,
} from "bun:test";
import { chown, mkdir, writeFile } from "node:fs/promises";
import { APPLICATION_UID } from "../demo/bed/layout.ts";
import { type LoadSpec, startLoad } from "../demo/bed/load.ts";
import { type Pod, proxyOf } from "../demo/bed/pod.ts";
import { waitFor } from "../demo/bed/wait.ts";
import { parseMetrics, type Sample } from "../demo/metrics.ts";
import { PORTS } from "../schemas/names.ts";
import type { LoadResult } from "../demo/workloads/load.ts";
import { inPod } from "./testing/in-pod.ts";
import { type Mesh, MESH_TIMEOUT_MS, openMesh } from "./testing/mesh.ts";
import { dialRaw, listenRaw } from "./testing/raw-socket.ts";

setDefaultTimeout(30_000);

const WEB_PORT = 8080;
/** In Linkerd's default list of opaque ports. */
const OPAQUE_PORT = 9300;
const SLOW_MS = 300;
const SERVER_ID =
  "server.default.serviceaccount.identity.linkerd.cluster.local";
const CALLER_ID =
  "caller.default.serviceaccount.identity.linkerd.cluster.local";

let mesh: Mesh;
let caller: Pod;
let server: Pod;
let outsider: Pod;
let clusterIp: string;
let web: { stop(now: boolean): Promise<void> };

beforeAll(async () => {
  mesh = await openMesh("metrics");
  const { bed } = mesh;
  [caller, server, outsider] = await Promise.all([
    bed.addPod({ name: "caller", serviceAccount: "caller" }),
    bed.addPod({
      name: "server",
      serviceAccount: "server",
      ports: [WEB_PORT, OPAQUE_PORT],
    }),
    bed.addPod({ name: "outsider", meshed: false }),
  ]);
  web = inPod(server, () =>
    Bun.serve({
      port: WEB_PORT,
      hostname: "0.0.0.0",
      async fetch(request) {
        const [, status, wait] = new URL(request.url).pathname.split("/");
        if (wait === "slow") await Bun.sleep(SLOW_MS);
        return new Response(await request.text(), { status: Number(status) });
      },
    }));
  const service = await bed.addService({
    name: "web",
    ports: [
      { name: "web", port: 80, targetPort: WEB_PORT },
      { name: "opaque", port: OPAQUE_PORT },
    ],
    pods: [server],
  });
  clusterIp = service.clusterIp;
  // An address that the control plane has not heard of yet is nobody's Service.
  await waitFor(async () => {
    await load(caller, { url: "http://web/200", requests: 1 });
    const samples = await read(caller, "request_total");
    return samples.some(({ labels }) => labels["tls"] === "true") || null;
  }, { what: () => "the Service in use" });
}, MESH_TIMEOUT_MS);

afterAll(async () => {
  await web.stop(true);
  await mesh.close();
}, MESH_TIMEOUT_MS);

const load = (from: Pod, spec: LoadSpec): Promise<LoadResult> =>
  startLoad(from, spec).result();

/** The samples of a family on a pod's page. */
async function read(pod: Pod, name: string): Promise<Sample[]> {
  const samples = parseMetrics(await proxyOf(pod).metrics());
  return samples.filter((sample) => sample.name === name);
}

type Labels = Readonly<Record<string, string>>;

/** What an action came to, and how much the proxies' counters grew by it. */
interface Observed<T> {
  readonly result: T;
  grew(pod: Pod, name: string, labels?: Labels): number;
}

/** The sum of a family's samples that have these labels. */
function sum(
  samples: readonly Sample[],
  name: string,
  wanted: Labels = {},
): number {
  return samples.filter((sample) =>
    sample.name === name &&
    Object.entries(wanted).every(([key, value]) => sample.labels[key] === value)
  ).reduce((total, { value }) => total + value, 0);
}

/** Reads both pages before an action, and after it when no application has more connections open than before. */
async function observe<T>(act: () => Promise<T>): Promise<Observed<T>> {
  const pods = [caller, server];
  const readAll = () =>
    Promise.all(
      pods.map(async (pod) => parseMetrics(await proxyOf(pod).metrics())),
    );
  const open = (pages: readonly (readonly Sample[])[]) =>
    sum(pages.flat(), "tcp_open_connections", {
      peer: "src",
      tls: "no_identity",
    });
  const before = await readAll();
  const result = await act();
  const after = await waitFor(async () => {
    const pages = await readAll();
    return open(pages) <= open(before) ? pages : null;
  }, { what: () => "the end of the applications' connections" });
  return {
    result,
    grew(pod, name, labels) {
      const at = pods.indexOf(pod);
      return sum(after[at] ?? [], name, labels) -
        sum(before[at] ?? [], name, labels);
    },
  };
}

/** Requests whose answers differ, by status. */
const MIX: readonly (Omit<LoadSpec, "url"> & { readonly path: string })[] = [
  { path: "/200", requests: 500, connections: 4 },
  { path: "/201", requests: 70, connections: 2, method: "POST", body: "hello" },
  { path: "/404", requests: 60 },
  { path: "/500", requests: 40 },
  { path: "/503", requests: 30, connections: 3 },
];

/** Runs the mix, at once, and says what was counted, by status. */
async function runMix(
  from: Pod,
  origin: string,
): Promise<{ statuses: Record<string, number>; connections: number }> {
  const results = await Promise.all(
    MIX.map(({ path, ...spec }) =>
      load(from, { url: `${origin}${path}`, ...spec })
    ),
  );
  const statuses: Record<string, number> = {};
  for (const [at, result] of results.entries()) {
    expect(result.errors).toEqual({});
    const status = MIX[at]?.path.slice(1) ?? "";
    expect(result.statuses).toEqual({ [status]: MIX[at]?.requests ?? 0 });
    statuses[status] = result.requests;
  }
  const connections = results.reduce((sum, one) => sum + one.connections, 0);
  return { statuses, connections };
}

describe("through two proxies", () => {
  test("requests, responses and latencies agree with the load, on both sides", async () => {
    const { result, grew } = await observe(() => runMix(caller, "http://web"));
    const { statuses, connections } = result;
    const total = Object.values(statuses).reduce((sum, n) => sum + n, 0);
    expect(total).toBe(700);
    const sides: readonly [Pod, Labels][] = [
      [caller, {
        direction: "outbound",
        tls: "true",
        server_id: SERVER_ID,
        target_addr: `${server.ip}:${WEB_PORT}`,
        authority: "web.default.svc.cluster.local:80",
      }],
      [server, {
        direction: "inbound",
        tls: "true",
        client_id: CALLER_ID,
        target_addr: `${server.ip}:${WEB_PORT}`,
      }],
    ];
    for (const [pod, labels] of sides) {
      expect(grew(pod, "request_total", labels)).toBe(total);
      expect(grew(pod, "request_total", {
        direction: labels["direction"] ?? "",
      })).toBe(total);
      for (const [status, count] of Object.entries(statuses)) {
        const counted = { ...labels, status_code: status };
        const classification = Number(status) < 500 ? "success" : "failure";
        expect(grew(pod, "response_total", { ...counted, classification }))
          .toBe(count);
        expect(grew(pod, "response_total", counted)).toBe(count);
        expect(grew(pod, "response_latency_ms_count", counted)).toBe(count);
        expect(
          grew(pod, "response_latency_ms_bucket", { ...counted, le: "+Inf" }),
        ).toBe(count);
      }
    }
    const src = { direction: "outbound", peer: "src" };
    expect(grew(caller, "tcp_open_total", src)).toBe(connections);
    expect(grew(caller, "tcp_close_total", { ...src, errno: "" }))
      .toBe(connections);
    expect(grew(caller, "tcp_open_connections", src)).toBe(0);
    // All on the connection between the proxies that was there already.
    expect(
      grew(caller, "tcp_open_total", { direction: "outbound", peer: "dst" }),
    )
      .toBe(0);
    expect(
      grew(server, "tcp_open_total", { direction: "inbound", peer: "src" }),
    )
      .toBe(0);
    for (const [status, count] of Object.entries(statuses)) {
      expect(grew(caller, "outbound_http_route_request_statuses_total", {
        parent_name: "web",
        http_status: status,
      })).toBe(count);
    }
  });

  test("latency is what the client waited for", async () => {
    const { result, grew } = await observe(() =>
      load(caller, { url: "http://web/200/slow", requests: 6, connections: 3 })
    );
    expect(result.latencyMs.p50).toBeGreaterThan(SLOW_MS - 5);
    for (
      const [pod, direction] of [[caller, "outbound"], [
        server,
        "inbound",
      ]] as const
    ) {
      const bucket = (le: string) =>
        grew(pod, "response_latency_ms_bucket", { direction, le });
      expect([bucket("200"), bucket("+Inf")]).toEqual([0, 6]);
      expect(grew(pod, "response_latency_ms_sum", { direction }))
        .toBeWithin(6 * (SLOW_MS - 5), 6 * 10 * SLOW_MS);
    }
  });

  test("bytes of an opaque connection are counted to the last", async () => {
    const SENT = 3_000_001;
    const ANSWERED = 1_234_567;
    const CONNECTIONS = 5;
    const served = listenRaw(server, OPAQUE_PORT, (socket) => {
      void socket.ended.then(() => {
        socket.write(Buffer.alloc(ANSWERED, 2));
        socket.finish();
      });
    });
    const { grew } = await observe(async () => {
      for (let round = 0; round < CONNECTIONS; round++) {
        const client = await dialRaw(caller, clusterIp, OPAQUE_PORT);
        client.write(Buffer.alloc(SENT, 1));
        client.finish();
        expect((await client.ended).length).toBe(ANSWERED);
        await client.closed;
      }
      await Promise.all(served.sockets.map(({ closed }) => closed));
    });
    served.close();
    const app = { direction: "outbound", peer: "src" };
    expect({
      opened: grew(caller, "tcp_open_total", app),
      closed: grew(caller, "tcp_close_total", { ...app, errno: "" }),
      read: grew(caller, "tcp_read_bytes_total", app),
      written: grew(caller, "tcp_write_bytes_total", app),
    }).toEqual({
      opened: CONNECTIONS,
      closed: CONNECTIONS,
      read: CONNECTIONS * SENT,
      written: CONNECTIONS * ANSWERED,
    });
    const behind = { direction: "inbound", peer: "dst" };
    expect({
      opened: grew(server, "tcp_open_total", behind),
      read: grew(server, "tcp_read_bytes_total", behind),
      written: grew(server, "tcp_write_bytes_total", behind),
    }).toEqual({
      opened: CONNECTIONS,
      read: CONNECTIONS * ANSWERED,
      written: CONNECTIONS * SENT,
    });
    // Between the proxies: as many connections, and all of them secured.
    const peers = [
      [caller, { direction: "outbound", peer: "dst", server_id: SERVER_ID }],
      [server, { direction: "inbound", peer: "src", client_id: CALLER_ID }],
    ] as const;
    for (const [pod, labels] of peers) {
      expect(grew(pod, "tcp_open_total", { ...labels, tls: "true" }))
        .toBe(CONNECTIONS);
    }
  });
});

test("requests from outside the mesh are counted as such", async () => {
  const { result, grew } = await observe(() =>
    runMix(outsider, `http://${server.ip}:${WEB_PORT}`)
  );
  const { statuses, connections } = result;
  const labels = {
    direction: "inbound",
    tls: "no_identity",
    no_tls_reason: "no_tls_from_remote",
  };
  for (const [status, count] of Object.entries(statuses)) {
    const counted = { ...labels, status_code: status };
    expect(grew(server, "response_total", counted)).toBe(count);
    expect(grew(server, "response_latency_ms_count", counted)).toBe(count);
  }
  const src = { ...labels, peer: "src" };
  expect(grew(server, "tcp_open_total", src)).toBe(connections);
  expect(grew(server, "tcp_close_total", { ...src, errno: "" }))
    .toBe(connections);
  expect(grew(caller, "request_total")).toBe(0);
});

describe("Prometheus", () => {
  test("finds nothing wrong with a page but what Linkerd's names are", async () => {
    for (const pod of [caller, server]) {
      const page = await proxyOf(pod).metrics();
      const child = Bun.spawn(["promtool", "check", "metrics"], {
        stdin: new Blob([page]),
        stdout: "pipe",
        stderr: "pipe",
      });
      const said = await Promise.all([
        child.stdout.text(),
        child.stderr.text(),
      ]);
      // Only names that every Linkerd dashboard has; what is no valid page is "error while linting".
      expect(said.join("")).toBe(
        ["control_response_latency_ms", "response_latency_ms"].map((name) =>
          `${name} metric names should not contain abbreviated units\n`
        ).join(""),
      );
    }
  });

  test("scrapes a proxy and answers with the same number", async () => {
    const { bed } = mesh;
    const home = `${bed.layout.home}/prometheus`;
    await mkdir(home);
    await chown(home, APPLICATION_UID, APPLICATION_UID);
    await writeFile(
      `${home}/prometheus.yml`,
      JSON.stringify({
        global: { scrape_interval: "500ms", scrape_timeout: "500ms" },
        scrape_configs: [{
          job_name: "linkerd-proxy",
          static_configs: [{
            targets: [caller, server].map(({ ip }) => `${ip}:${PORTS.admin}`),
          }],
        }],
      }),
    );
    const prometheus = outsider.run([
      ...["prometheus", `--config.file=${home}/prometheus.yml`],
      ...[`--storage.tsdb.path=${home}/data`],
      "--web.listen-address=0.0.0.0:9090",
    ]);
    await prometheus.line("Server is ready to receive web requests");
    const { requests } = await load(caller, {
      url: "http://web/202",
      requests: 123,
      connections: 3,
    });
    const ask = async (query: string): Promise<number> => {
      const response = await bed.fetch(
        `http://${outsider.ip}:9090/api/v1/query?query=${
          encodeURIComponent(query)
        }`,
      );
      const { data } = await response.json() as {
        data: { result: { value: [number, string] }[] };
      };
      return Number(data.result[0]?.value[1] ?? NaN);
    };
    const answers: readonly (readonly [string, number])[] = [
      ["sum(up)", 2],
      ...["outbound", "inbound"].map((direction) =>
        [
          `sum(response_total{direction="${direction}",status_code="202"})`,
          requests,
        ] as const
      ),
    ];
    for (const [query, expected] of answers) {
      let last = NaN;
      await waitFor(async () => {
        last = await ask(query);
        return last === expected || null;
      }, { what: () => `${expected} for ${query}, but ${last}` });
    }
    await prometheus.stop();
  });
});
