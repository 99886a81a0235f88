// What `linkerd viz` shows of a mesh, beside what the load generator of that mesh has counted.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { dirname } from "node:path";
import type { World } from "../cli/command.ts";
import { run } from "../cli/program.ts";
import { startLoad } from "../demo/bed/load.ts";
import type { Pod } from "../demo/bed/pod.ts";
import { waitFor } from "../demo/bed/wait.ts";
import { startViz, type Viz } from "../demo/viz.ts";
import { openBrowser } from "./testing/browser.ts";
import {
  addBackend,
  BACKEND_PORTS,
  type Mesh,
  MESH_TIMEOUT_MS,
  openMesh,
} from "./testing/mesh.ts";

const REQUESTS = 1_500;
/** What Linkerd's latency buckets are bounded by, as far as requests of this test get. */
const BOUNDS = [1, 2, 3, 4, 5, 10, 20, 30, 40, 50, 100, 200, 300, 400, 500];

const world: World = {
  env: {},
  colour: false,
  terminal: false,
  print: () => {},
  readInput: () => Promise.resolve(new Uint8Array()),
};

let mesh: Mesh;
let client: Pod;
let viz: Viz;

beforeAll(async () => {
  mesh = await openMesh("viz");
  client = await mesh.bed.addPod({ name: "client", namespace: "app" });
  const server = await addBackend(mesh.bed, {
    name: "server",
    env: { DELAY_MS: "7" },
  });
  const service = await mesh.bed.addService({
    name: "server",
    namespace: "app",
    ports: [{ port: 80, targetPort: BACKEND_PORTS.http }],
  });
  await service.setEndpoints([server.pod]);
  viz = startViz([client, server.pod], () => {});
}, MESH_TIMEOUT_MS);

afterAll(async () => {
  await viz.close();
  await mesh.close();
}, MESH_TIMEOUT_MS);

interface Row {
  readonly name: string;
  readonly success: number | null;
  readonly rps: number | null;
  readonly latency_ms_p50: number | null;
  readonly latency_ms_p95: number | null;
}

async function stat(...args: string[]): Promise<readonly Row[]> {
  const result = await run([
    ...["viz", "stat", ...args, "-n", "app", "-o", "json"],
    ...["--api-addr", viz.address],
  ], world);
  if (!("code" in result) || result.code !== 0) {
    throw new Error(JSON.stringify(result));
  }
  return JSON.parse((result.stdout ?? []).join(""));
}

/** The bucket that a latency is in. */
function bucketOf(ms: number | null): number {
  return BOUNDS.findIndex((bound) => (ms ?? Infinity) <= bound);
}

test("stat and the load generator say the same, on both sides", async () => {
  // Both pods must be known without traffic, so that all of it is seen to come.
  await waitFor(
    () => viz.scraped() >= 4 ? true : null,
    { what: () => "pages of both pods" },
  );
  const result = await startLoad(client, {
    url: "http://server/",
    connections: 4,
    requests: REQUESTS,
  }).result();
  expect(result.failed).toBe(0);

  const seen = (row: Row | undefined) => Math.round((row?.rps ?? 0) * 60);
  let server: Row | undefined;
  let service: Row | undefined;
  await waitFor(async () => {
    server = (await stat("po/server"))[0];
    service = (await stat("svc/server"))[0];
    const isAll = [server, service].every((row) =>
      seen(row) >= REQUESTS * 0.99
    );
    return isAll ? true : null;
  }, { what: () => "all requests counted", timeoutMs: 30_000 });
  for (const row of [server, service]) {
    expect(Math.abs(seen(row) - REQUESTS)).toBeLessThanOrEqual(REQUESTS / 100);
    expect(row?.success).toBe(1);
  }
  // Not the slowest hundredth: what the generator waits for a turn of a busy machine no proxy can see.
  const { p50, p95 } = result.latencyMs;
  for (
    const [ours, its] of [
      [service?.latency_ms_p50, p50],
      [service?.latency_ms_p95, p95],
    ]
  ) {
    expect(Math.abs(bucketOf(ours ?? null) - bucketOf(its ?? null)))
      .toBeLessThanOrEqual(1);
  }
}, 90_000);

test("edges show that it went over mutual TLS", async () => {
  const load = startLoad(client, { url: "http://server/", rate: 20 });
  try {
    await load.started();
    let text = "";
    await waitFor(async () => {
      const result = await run([
        ...["viz", "edges", "po", "-n", "app", "-o", "wide"],
        ...["--api-addr", viz.address],
      ], world);
      text = "stdout" in result ? (result.stdout ?? []).join("") : "";
      return /client +server/.test(text) ? true : null;
    }, { what: () => "the edge", timeoutMs: 30_000 });
    expect(text).toMatch(
      /client +server +app +app +default\.app +default\.app +√/,
    );
  } finally {
    await load.stop();
  }
}, 60_000);

test("the dashboard shows the same", async () => {
  const load = startLoad(client, { url: "http://server/", rate: 20 });
  try {
    await load.started();
    const page = async (path: string) => {
      const response = await fetch(`http://${viz.address}${path}`);
      expect(response.status).toBe(200);
      return (await response.text()).replaceAll(/<[^>]*>|\s+/g, " ")
        .replaceAll(/ +/g, " ");
    };
    const views = [
      ["/", /server pod 1\/1 100\.00% \d+\.\d+ .* ms .* ms .* ms 100\.00%/],
      [
        "/topology",
        /client app server app 100\.00% \d+\.\d+ .* ms .* ms .* ms \d+ yes/,
      ],
      [
        "/workload?kind=pod&namespace=app&name=client",
        /server:80 Service http default server:80 Service 100\.00%/,
      ],
    ] as const;
    for (const [path, row] of views) {
      let text = "";
      await waitFor(async () => {
        text = await page(path);
        return row.test(text) || null;
      }, { what: () => `${row} in ${text}`, timeoutMs: 30_000 });
    }
  } finally {
    await load.stop();
  }
}, 120_000);

test("the dashboard shows requests live, of either side", async () => {
  const load = startLoad(client, { url: "http://server/basket", rate: 5 });
  const browser = await openBrowser();
  try {
    await load.started();
    const tab = await browser.open();
    for (
      const [name, row] of [
        [
          "server",
          /^[\d:.]+ in client app server app GET \/basket server 200 [\d.]+ ms yes$/,
        ],
        [
          "client",
          /^[\d:.]+ out client app server app GET \/basket server 200 [\d.]+ ms yes$/,
        ],
      ] as const
    ) {
      const query = `kind=pod&namespace=app&name=${name}`;
      await tab.go(`http://${viz.address}/workload?${query}`);
      await tab.follow('main a[href^="tap?"]');
      let rows: readonly string[] = [];
      await waitFor(async () => {
        rows = await tab.evaluate<string[]>(
          `[...document.getElementById("requests")?.rows ?? []].map(({innerText}) => innerText.replaceAll(/\\s+/g, " "))`,
        );
        return rows.length >= 10 && row.test(rows.at(-1) ?? "") || null;
      }, {
        what: () => `${row} in ${JSON.stringify(rows)}`,
        timeoutMs: 30_000,
      });
      expect(tab.complaints).toEqual([]);
    }
  } finally {
    await browser.close();
    await load.stop();
  }
}, 120_000);

test(
  "top counts what the load generator sends, and a profile has its routes",
  async () => {
    const top = Bun.spawn([
      ...[process.execPath, "cli/main.ts", "viz", "top", "po/server"],
      // As many as come in all, so that none falls between two looks.
      ...["-n", "app", "--api-addr", viz.address, "--max-rps", "1000"],
    ], { cwd: dirname(import.meta.dir), stdout: "pipe", stderr: "inherit" });
    let tables = "";
    const reading = (async () => {
      const decoder = new TextDecoder();
      for await (const chunk of top.stdout) {
        tables += decoder.decode(chunk, { stream: true });
      }
    })();
    const row = (path: string) => {
      const pattern = new RegExp(
        `^client +server +GET +${path} +(\\d+) .*$`,
        "gm",
      );
      return [...tables.matchAll(pattern)].at(-1);
    };
    const steady = startLoad(client, { url: "http://server/steady", rate: 5 });
    try {
      await steady.started();
      await waitFor(() => row("/steady") ?? null, { what: () => tables });
      const { failed } = await startLoad(client, {
        url: "http://server/counted",
        connections: 2,
        rate: 40,
        requests: 100,
      }).result();
      expect(failed).toBe(0);
      await waitFor(
        () => row("/counted")?.[1] === "100" ? true : null,
        { what: () => tables, timeoutMs: 30_000 },
      );
      expect(row("/counted")?.[0]).toMatch(/ 100\.00% *$/);

      const result = await run([
        ...["viz", "profile", "--tap", "po/server", "server", "-n", "app"],
        ...["-o", "json", "--tap-route-limit", "1", "--tap-duration", "30s"],
        ...["--api-addr", viz.address],
      ], world);
      if (!("code" in result)) throw new Error("expected an outcome");
      expect(JSON.parse(result.stdout?.[0] ?? "")).toMatchObject({
        metadata: { name: "server.app.svc.cluster.local" },
        spec: { routes: [{ name: "GET /steady" }] },
      });
    } finally {
      await steady.stop();
      top.kill();
      await Promise.all([top.exited, reading]);
    }
  },
  120_000,
);
