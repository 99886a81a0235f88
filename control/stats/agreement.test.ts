// What Debian's Prometheus answers and what we answer from memory, of the same pods, asked at the same time.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPageFetcher } from "./fetch-page.ts";
import { createMemoryReadings } from "./memory.ts";
import { createPrometheusReadings } from "./prometheus.ts";
import { readEdges } from "./query/edges.ts";
import { readAuthorizations, readInbound } from "./query/inbound.ts";
import { readLinks } from "./query/links.ts";
import { readOutbound } from "./query/outbound.ts";
import { readProfileRoutes } from "./query/profile-routes.ts";
import { readStat } from "./query/stat.ts";
import type { Target } from "./query/target.ts";
import type { Readings } from "./readings.ts";
import { createScraper, type Scraper } from "./scraper.ts";
import { SHOP } from "./testing/shop.ts";

const INTERVAL_MS = 1_000;
const WINDOW_MS = 15_000;
/** Of series, whose last step ended 10 to 13 s ago. */
const STEP_MS = 3_000;
/** Scrapes of one are up to an interval before those of the other, and so are those at the window's start. */
const PHASE = 2 * INTERVAL_MS / WINDOW_MS;

let exporter: Bun.Server<undefined>;
let prometheus: Bun.Subprocess;
let scraper: Scraper;
let folder = "";
let memory: Readings;
let real: Readings;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "prometheus-"));
  const startMs = Date.now();
  exporter = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch(request) {
      const at = Number(new URL(request.url).pathname.slice(1));
      return new Response(SHOP[at]?.page((Date.now() - startMs) / 1_000));
    },
  });
  const targets = SHOP.map(({ labels }, at) => ({
    id: String(at),
    url: new URL(String(at), exporter.url).href,
    labels,
  }));
  const { url, process } = await startPrometheus(folder, targets);
  prometheus = process;
  real = createPrometheusReadings(url, Date.now);
  scraper = createScraper({
    intervalMs: INTERVAL_MS,
    fetch: createPageFetcher(),
    now: Date.now,
    random: Math.random,
    scraped() {},
    failed() {},
  });
  memory = createMemoryReadings(() => scraper.histories(), Date.now);
  scraper.update(targets);
  await filled();
}, 120_000);

afterAll(async () => {
  scraper.close();
  prometheus.kill();
  await prometheus.exited;
  await exporter.stop();
  await rm(folder, { recursive: true });
});

/** Both know of every pod for longer than a window, and longer than series go back. */
async function filled(): Promise<void> {
  const total = { metric: "response_total", labels: [] };
  for (let full = 0; full < 20; full++) {
    await Bun.sleep(INTERVAL_MS);
    const pods = await real.increase(total, ["pod"], WINDOW_MS).catch(() => []);
    if (pods.length < SHOP.length) full = 0;
  }
}

async function startPrometheus(
  home: string,
  targets: readonly { url: string; labels: Readonly<Record<string, string>> }[],
) {
  const port = await freePort();
  await Bun.write(
    join(home, "prometheus.yml"),
    JSON.stringify({
      global: { scrape_interval: `${INTERVAL_MS}ms` },
      scrape_configs: targets.map(({ url, labels }, at) => ({
        job_name: `pod-${at}`,
        metrics_path: new URL(url).pathname,
        static_configs: [{ targets: [new URL(url).host], labels }],
      })),
    }),
  );
  const process = Bun.spawn([
    "prometheus",
    `--config.file=${join(home, "prometheus.yml")}`,
    `--storage.tsdb.path=${join(home, "data")}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ], { stdout: "ignore", stderr: "ignore" });
  return { process, url: `http://127.0.0.1:${port}` };
}

async function freePort(): Promise<number> {
  const server = Bun.serve({ port: 0, fetch: () => new Response() });
  const port = server.port ?? 0;
  await server.stop();
  return port;
}

function target(kind: string, name: string | null = null): Target {
  return { kind, name, namespace: "shop" };
}

function stat(
  of: Target,
  { to = null, from = null }: { to?: Target | null; from?: Target | null } = {},
) {
  return (readings: Readings) =>
    readStat(
      { target: of, windowMs: WINDOW_MS, to, from },
      readings,
      () => [],
    );
}

const QUERIES: readonly (readonly [
  string,
  (readings: Readings) => Promise<readonly unknown[]>,
])[] = [
  ["stat deployments", stat(target("deployment"))],
  ["stat one deployment", stat(target("deployment", "api"))],
  ["stat pods", stat(target("pod"))],
  ["stat namespaces", stat(target("namespace"))],
  ["stat services", stat(target("service"))],
  ["stat one service", stat(target("service", "api"))],
  ["stat servers", stat(target("server"))],
  ["stat routes of servers", stat(target("httproute"))],
  ["stat authorizations", stat(target("authorizationpolicy", "web"))],
  [
    "stat deployments to one",
    stat(target("deployment"), {
      to: target("deployment", "api"),
    }),
  ],
  [
    "stat pods to a service",
    stat(target("pod"), {
      to: target("service", "api"),
    }),
  ],
  [
    "stat deployments from one",
    stat(target("deployment"), {
      from: target("deployment", "web"),
    }),
  ],
  [
    "stat services from one",
    stat(target("service"), {
      from: target("pod", "web-1"),
    }),
  ],
  [
    "inbound of deployments",
    (readings) => readInbound(target("deployment"), WINDOW_MS, readings),
  ],
  [
    "inbound of a pod",
    (readings) => readInbound(target("pod", "api-1"), WINDOW_MS, readings),
  ],
  [
    "authorizations of deployments",
    (readings) => readAuthorizations(target("deployment"), WINDOW_MS, readings),
  ],
  [
    "authorizations of a namespace",
    (readings) =>
      readAuthorizations(target("namespace", "shop"), WINDOW_MS, readings),
  ],
  [
    "outbound of deployments",
    (readings) => readOutbound(target("deployment"), WINDOW_MS, readings),
  ],
  [
    "outbound of a pod",
    (readings) => readOutbound(target("pod", "web-2"), WINDOW_MS, readings),
  ],
  [
    "routes of a deployment",
    (readings) =>
      readProfileRoutes(target("deployment", "api"), null, WINDOW_MS, readings),
  ],
  ["routes to a service", (readings) =>
    readProfileRoutes(
      target("deployment", "web"),
      target("service", "api"),
      WINDOW_MS,
      readings,
    )],
  [
    "edges of deployments",
    (readings) => readEdges(target("deployment"), readings, () => []),
  ],
  ["edges of pods", (readings) => readEdges(target("pod"), readings, () => [])],
  [
    "who talks to whom, of all kinds",
    (readings) => readLinks(WINDOW_MS, readings),
  ],
  [
    "what deployments were asked, step by step",
    (readings) =>
      readings.series(
        {
          metric: "response_total",
          labels: [{ label: "direction", is: "=", value: "inbound" }],
        },
        ["deployment", "classification"],
        2 * STEP_MS,
        STEP_MS,
      ),
  ],
];

test.each(QUERIES)("%s: both say the same", async (_, query) => {
  const [ours, theirs] = await Promise.all([query(memory), query(real)]);
  expect(ours.length).toBeGreaterThan(0);
  expect(flatten(ours).texts).toEqual(flatten(theirs).texts);
  const pairs = flatten(ours).numbers.map((own, at) =>
    [own, flatten(theirs).numbers[at] ?? NaN] as const
  );
  for (const [own, its] of pairs) {
    expect(Math.abs(own - its)).toBeLessThanOrEqual(
      // A counter of a few has jumps.
      PHASE * Math.max(own, its) + 0.5,
    );
  }
});

test.each(
  [
    ["of deployments", stat(target("deployment")), 1],
    [
      "of pods to a service",
      stat(target("pod"), { to: target("service", "api") }),
      2,
    ],
    ["of services", stat(target("service")), 1],
  ] as const,
)(
  "percentiles %s: both in the same bucket, or in the next",
  async (_, query, least) => {
    const [ours, theirs] = await Promise.all([query(memory), query(real)]);
    const pairs = ours.flatMap(({ name, golden }) => {
      const own = golden?.latencyMs ?? null;
      if (own === null) return [];
      const its = theirs.find((row) => row.name === name)?.golden?.latencyMs;
      return [[own.p50, its?.p50], [own.p95, its?.p95], [own.p99, its?.p99]];
    });
    expect(pairs.length).toBeGreaterThanOrEqual(3 * least);
    for (const [own, its] of pairs) {
      expect(Math.abs(bucketOf(own) - bucketOf(its))).toBeLessThanOrEqual(1);
    }
  },
);

/** Which bucket of the shop's a latency is in. */
function bucketOf(ms: number | null | undefined): number {
  return [1, 5, 10].findIndex((bound) => (ms ?? NaN) <= bound);
}

/** Rows as one list of texts, in which numbers have their places, and one of those numbers. */
function flatten(
  rows: readonly unknown[],
): { readonly texts: readonly string[]; readonly numbers: readonly number[] } {
  const numbers: number[] = [];
  const texts = rows.map((row) => ({
    row,
    key: JSON.stringify(
      row,
      (_, value) => typeof value === "number" ? "#" : value,
    ),
  })).sort((a, b) => a.key < b.key ? -1 : a.key > b.key ? 1 : 0)
    .map(({ row, key }) => {
      JSON.stringify(row, (_, value) => {
        if (typeof value === "number") numbers.push(value);
        return value;
      });
      return key;
    });
  return { texts, numbers };
}
