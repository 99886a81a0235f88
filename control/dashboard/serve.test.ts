import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createStats } from "../serve/stats.ts";
import { createMemoryReadings } from "../stats/memory.ts";
import {
  addPage,
  createPodHistory,
  type PodHistory,
} from "../stats/pod-history.ts";
import { createPrometheusReadings } from "../stats/prometheus.ts";
import type { WorkloadPod } from "../stats/query/workloads.ts";
import { SHOP } from "../stats/testing/shop.ts";

const NOW_MS = Date.UTC(2026, 0, 1, 12);
const SCRAPE_MS = 10_000;
/** What a page and all that it brings may weigh. */
const MAX_BYTES = 200_000;

let histories: PodHistory[] = [];
let pods: WorkloadPod[] = [];
let server: Bun.Server<undefined>;

beforeEach(() => {
  histories = [];
  pods = [];
  for (const { labels, page } of SHOP) {
    add(labels, page, 20);
    pods.push({
      namespace: "shop",
      name: labels["pod"] ?? "",
      owners: { deployment: labels["deployment"] ?? "" },
      isMeshed: true,
    });
  }
  const now = () => NOW_MS;
  const { fetch } = createStats({
    readings: createMemoryReadings(() => histories, now),
    pods: () => pods,
    now,
  });
  server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch });
});
afterEach(() => server.stop(true));

/** A pod that has been scraped some times, the last time now. */
function add(
  labels: PodHistory["labels"],
  page: (seconds: number) => string,
  scrapes: number,
): void {
  const history = createPodHistory(labels);
  for (let at = 0; at < scrapes; at++) {
    const ms = NOW_MS - (scrapes - 1 - at) * SCRAPE_MS;
    addPage(history, page(at * SCRAPE_MS / 1_000), ms);
  }
  histories.push(history);
}

function get(path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(new URL(path, server.url), init);
}

async function text(path: string): Promise<string> {
  const response = await get(path);
  expect(response.status).toBe(200);
  return await response.text();
}

/** The cells of a table's rows, without markup. */
function rowsOf(page: string): string[][] {
  return [...page.matchAll(/<tr[^>]*data-key[^>]*>(.*?)<\/tr>/gs)].map((row) =>
    [...(row[1] ?? "").matchAll(/<t[hd][^>]*>(.*?)<\/t[hd]>/gs)].map((cell) =>
      (cell[1] ?? "").replaceAll(/<[^>]*>/g, "").trim()
    )
  );
}

const VIEWS = [
  "/",
  "/tap",
  "/overview",
  "/topology",
  "/workload?kind=deployment&namespace=shop&name=web",
];

describe("every view", () => {
  test.each(VIEWS)(
    "%s is whole, bound to its origin, and light",
    async (path) => {
      const response = await get(path);
      expect(response.status).toBe(200);
      expect(response.headers.get("content-type")).toStartWith("text/html");
      const policy = response.headers.get("content-security-policy") ?? "";
      expect(policy.split("; ")).toEqual([
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "connect-src 'self'",
        "img-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
      ]);
      const page = await response.text();
      expect(page).toStartWith("<!DOCTYPE html>");
      expect(page).toEndWith("</html>");
      // Neither inline styles and scripts, nor anything from elsewhere.
      expect(page).not.toMatch(
        /<style|<script>| style=| on[a-z]+=|https?:\/\//,
      );
      // It can be anywhere.
      expect(page).not.toMatch(/(?:href|src|action)="\//);
      const assets = [...page.matchAll(/(?:src|href)="([^"?#]+\.[^"]+)"/g)]
        .map((match) => match[1] ?? "");
      expect(new Set(assets).size).toBe(3);
      let bytes = Buffer.byteLength(page);
      for (const asset of new Set(assets)) {
        bytes += Buffer.byteLength(await text(`/${asset}`));
      }
      expect(bytes).toBeLessThan(MAX_BYTES);
    },
  );

  test.each(VIEWS)(
    "%s answers to loopback names only, and only to reading",
    async (path) => {
      const rebound = await get(path, { headers: { host: "evil.example" } });
      expect(rebound.status).toBe(403);
      for (const method of ["POST", "PUT", "DELETE"]) {
        expect((await get(path, { method })).status).toBe(405);
      }
    },
  );

  test("has colours for light and for dark", async () => {
    const style = await text("/style.css");
    expect(style).toContain("color-scheme: light dark");
    expect(style).toContain("@media (prefers-color-scheme: dark)");
    expect(style).not.toMatch(/url\(|@import/);
  });
});

test("the overview shows every workload with its golden metrics", async () => {
  pods.push({ namespace: "zoo", name: "lone", owners: {}, isMeshed: false });
  const page = await text("/");
  expect(rowsOf(page).map((row) => row.slice(0, 8))).toEqual([
    ...[["api deployment", "1/1", "90.00%", "80.0"]].map((row) => [
      ...row,
      ...["1.0 ms", "9.0 ms", "9.8 ms", "100.00%"],
    ]),
    ["web deployment", "2/2", "–", "–", "–", "–", "–", "–"],
    ["lone pod", "0/1", "–", "–", "–", "–", "–", "–"],
  ]);
  expect(page).toContain("3 of 4");
  expect(page).toMatch(
    /aria-label="0\.00 to 80\.0 requests per second, \d+ failed"/,
  );
  expect(rowsOf(await text("/?namespace=zoo")).length).toBe(1);
});

test("the topology shows who talks to whom, and whether it is secured", async () => {
  const page = await text("/topology");
  expect(rowsOf(page)).toEqual([
    [
      ...["web shop", "api shop", "90.00%", "80.0"],
      ...["1.0 ms", "9.0 ms", "9.8 ms", "2", "yes"],
    ],
  ]);
  // The picture has the same, and what each workload was asked.
  expect(page).toContain("90.00% · 80.0/s · P99 9.8 ms");
  expect(page).toMatch(/<path class="line bad secured"/);

  const labels =
    'direction="outbound",peer="dst",dst_namespace="shop",dst_pod="legacy",no_tls_reason="not_provided_by_service_discovery"';
  add(
    { namespace: "shop", pod: "job" },
    () => `tcp_open_connections{${labels}} 1\n`,
    2,
  );
  const plain = await text("/topology");
  expect(rowsOf(plain)).toContainEqual([
    ...["job shop", "legacy shop", "–", "–", "–", "–", "–", "1"],
    "no: not provided by service discovery",
  ]);
  expect(plain).toMatch(/<path class="line none plain"/);
});

test("a workload's page shows what it is asked and what it asks", async () => {
  const web = await text(VIEWS[4] ?? "");
  expect(web.replaceAll(/<[^>]*>/g, " ")).toMatch(
    /api:8080\s+Service\s+split\s+HTTPRoute\s+v1:8080\s+Service\s+90\.00%\s+40\.0/,
  );
  const api = await text("/workload?kind=deployment&namespace=shop&name=api");
  expect(api.replaceAll(/<[^>]*>/g, " ")).toMatch(
    /api\s+server\s+:\s*8080\s+reads\s+HTTPRoute\s+web\s+authorizationpolicy\s+90\.00%\s+80\.0/,
  );
  expect(api).toContain("5.00"); // denied
});

test("a thousand workloads come in pages, each below the weight", async () => {
  pods = Array.from({ length: 1_000 }, (_, at) => ({
    namespace: `namespace-${String(at % 10)}`,
    name: `pod-${String(at).padStart(4, "0")}-${"x".repeat(200)}`,
    owners: {},
    isMeshed: true,
  }));
  for (const { namespace, name } of pods) {
    add(
      { namespace, pod: name },
      (seconds) =>
        `response_total{direction="inbound",classification="success"} ${
          Math.floor(seconds * (1 + seconds % 7))
        }\n`,
      20,
    );
  }
  const first = await text("/");
  expect(Buffer.byteLength(first)).toBeLessThan(MAX_BYTES);
  expect(first).toContain("Page 1 of 13");
  const last = await text("/?page=13");
  expect(rowsOf(last).length).toBe(1_000 - 12 * 80);
  expect(rowsOf(await text("/?namespace=namespace-3")).length).toBe(80);
});

test("what a forged page of metrics tells is cut to a page's weight", async () => {
  const name = (at: number) => `${"語".repeat(280)}-${at}`;
  add(
    { namespace: "shop", pod: "liar", deployment: "liar" },
    (seconds) =>
      Array.from({ length: 150 }, (_, at) =>
        [
          `response_total{direction="inbound",classification="success",srv_name="${
            name(at)
          }",route_name="${name(at)}",authz_name="${
            name(at)
          }",target_port="1"} ${seconds}`,
          `response_total{direction="outbound",classification="success",dst_namespace="${
            name(at)
          }",dst_pod="${name(at)}"} ${seconds}`,
          `outbound_http_route_request_statuses_total{parent_name="${
            name(at)
          }",route_name="${name(at)}",http_status="200",error=""} ${seconds}`,
          "",
        ].join("\n")).join(""),
    20,
  );
  const topology = await text("/topology");
  expect(topology).toMatch(/The \d+ busiest of \d+ are shown/);
  const liar = "/workload?kind=deployment&namespace=shop&name=liar";
  const workload = await text(liar);
  expect(workload).toMatch(/\d+ of \d+ rows are shown/);
  for (const page of [topology, workload]) {
    expect(Buffer.byteLength(page)).toBeLessThan(MAX_BYTES - 20_000);
    expect(page).toContain("語");
  }
});

/** What changes a terminal, or the direction of writing. */
const MARKS =
  // deno-lint-ignore no-control-regex -- they are what is looked for
  /[\u0000-\u0009\u000b-\u001f\u00ad\u200b-\u200f\u202a-\u202e\u2066-\u2069]/;

const HOSTILE = [
  ["marks that cannot be seen", "web\u200b\u00ad\u{e0041}"],
  ["a script", `<script>alert(1)</script>`],
  ["an attribute", `"><img src=x onerror=alert(1)>`],
  ["other directions", `a\u202eb\u2066c\u200f`],
  ["a terminal's commands", `\u001b[31mred\u0007\u0000`],
  ["10 kB", "x".repeat(10_000)],
  ["10 kB in three bytes each", "語".repeat(3_333)],
] as const;

test.each(HOSTILE)(
  "names of %s are shown harmlessly everywhere",
  async (_, name) => {
    const labels = JSON.stringify(name);
    pods.push({ namespace: name, name, owners: {}, isMeshed: true });
    add({ namespace: name, pod: name }, (seconds) =>
      [
        `response_total{direction="inbound",classification="success",srv_name=${labels},route_name=${labels},authz_name=${labels},target_port=${labels}} ${seconds}`,
        `response_total{direction="outbound",classification="success",dst_namespace=${labels},dst_pod=${labels}} ${seconds}`,
        `tcp_open_connections{direction="outbound",peer="dst",dst_namespace=${labels},dst_pod=${labels},no_tls_reason=${labels}} 1`,
        `outbound_http_route_request_statuses_total{parent_name=${labels},route_name=${labels},http_status="200",error=""} ${seconds}`,
        "",
      ].join("\n"), 20);
    const query = new URLSearchParams({ kind: "pod", namespace: name, name });
    const views = ["/", "/topology"];
    if (name.length < 1_000) {
      views.push(
        `/workload?${query}`,
        `/workload?kind=${encodeURIComponent(name)}&namespace=a&name=b`,
      );
      views.push(`/?namespace=${encodeURIComponent(name)}`);
    }
    for (const view of views) {
      const page = await (await get(view)).text();
      expect(page).not.toMatch(/<script>|<img src=x|alert\(1\)">/);
      expect(MARKS.test(page)).toBeFalse();
      expect(page).not.toMatch(/x{400}|語{400}/);
      expect(Buffer.byteLength(page)).toBeLessThan(MAX_BYTES);
    }
  },
);

test.each([
  ["/?window=2m", 400, "expected a window of 1m, 10m, 1h"],
  ["/?page=0", 400, "expected a page"],
  ["/workload?kind=pod", 400, "expected a kind, a namespace and a name"],
  ["/workload?kind=gateway&namespace=a&name=b", 400, "not supported"],
])("%s says what is wrong", async (path, status, words) => {
  const response = await get(path);
  expect(response.status).toBe(status);
  expect(response.headers.get("content-security-policy")).not.toBeNull();
  expect(await response.text()).toContain(words);
});

test("a workload that is not there has a page without figures", async () => {
  const page = await text("/workload?kind=deployment&namespace=shop&name=gone");
  expect(page).toContain("Nobody has asked it anything.");
});

test("without an answer of a Prometheus, a page says so and what to do", async () => {
  const { fetch: ask } = createStats({
    readings: createPrometheusReadings("http://127.0.0.1:1", Date.now),
    pods: () => pods,
    now: Date.now,
  });
  for (const view of VIEWS.filter((path) => path !== "/tap")) {
    const request = new Request(`http://localhost${view}`, {
      headers: { host: "localhost" },
    });
    const response = await ask(request);
    expect(response.status).toBe(502);
    expect(await response.text()).toMatch(
      /Cannot ask Prometheus at http:\/\/127\.0\.0\.1:1[^]*check prometheusUrl/,
    );
  }
});
