import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseMetrics } from "../config/metrics.ts";
import { metricsPath } from "../../schemas/tap.ts";
import { SHOP } from "../stats/testing/shop.ts";
import { recordLogs } from "../testing/logs.ts";
import { podManifest } from "../testing/objects.ts";
import { createScratch } from "../testing/scratch.ts";
import { startMetrics } from "./metrics.ts";

let scratch: Awaited<ReturnType<typeof createScratch>>;
let exporters: Bun.Server<undefined>[] = [];
let running: Awaited<ReturnType<typeof startMetrics>> | null = null;
let asked = 0;

beforeEach(async () => {
  scratch = await createScratch();
  asked = 0;
});
afterEach(async () => {
  await running?.close();
  running = null;
  for (const exporter of exporters) await exporter.stop();
  exporters = [];
  await scratch[Symbol.asyncDispose]();
});

/** Writes the pods of the shop, with proxies that show their pages; each page is a second after the last. */
async function openShop(): Promise<void> {
  for (const [at, { labels, page }] of SHOP.entries()) {
    let seconds = 0;
    const exporter = Bun.serve({
      port: 0,
      hostname: `127.0.0.${2 + at}`,
      fetch: () => {
        asked++;
        return new Response(page(seconds++));
      },
    });
    exporters.push(exporter);
    const pod = podManifest(labels["pod"] ?? "", `127.0.0.${2 + at}`, {
      ownerReferences: [{
        kind: "ReplicaSet",
        name: `${labels["deployment"]}-5f6`,
      }],
      labels: {
        "linkerd.io/control-plane-ns": "linkerd",
        "pod-template-hash": "5f6",
      },
      spec: {
        containers: [{
          name: "linkerd-proxy",
          env: [{
            name: "LINKERD2_PROXY_ADMIN_LISTEN_ADDR",
            value: `0.0.0.0:${exporter.port}`,
          }],
        }],
      },
    });
    await writeFile(join(scratch.path, `${at}.json`), JSON.stringify(pod));
  }
  await writeFile(
    join(scratch.path, "lone.json"),
    JSON.stringify(podManifest("lone", "127.0.0.9", {
      labels: {},
      ownerReferences: [{ kind: "DaemonSet", name: "lone" }],
    })),
  );
}

async function start(...argv: string[]): Promise<string> {
  const config = parseMetrics([
    ...["--source=files", `--manifests=${scratch.path}`],
    ...["--addr=127.0.0.1:0", "--admin-addr=127.0.0.1:0"],
    ...["--scrape-interval=50ms", ...argv],
  ], {});
  running = await startMetrics(config, recordLogs().log);
  return `http://127.0.0.1:${running.ports["queries"]}`;
}

async function rows(url: string): Promise<readonly Record<string, unknown>[]> {
  const response = await fetch(url);
  expect(response.status).toBe(200);
  return (await response.json()).rows;
}

test("the pods of a folder are scraped and asked about", async () => {
  await openShop();
  const url = await start();
  while (asked < 6 * SHOP.length) await Bun.sleep(20);
  const [api, web, ...more] = await rows(
    `${url}${metricsPath("stat", "shop")}?kind=deployment&window=60000`,
  );
  expect(more).toEqual([]);
  expect(web).toMatchObject({
    name: "web",
    pods: { meshed: 2, running: 2 },
    golden: null,
  });
  const { success, failure, secured, latencyMs } = (api as {
    golden: Record<string, number>;
  }).golden;
  expect(Number(success) / (Number(success) + Number(failure)))
    .toBeCloseTo(0.9, 2);
  expect(secured).toBe(Number(success) + Number(failure));
  expect(latencyMs).toMatchObject({ p50: 1 });
  expect(await rows(`${url}${metricsPath("edges", "shop")}?kind=deployment`))
    .toMatchObject([{ source: "web", target: "api", noTlsReason: "" }]);
  expect(await rows(`${url}${metricsPath("stat", null)}?kind=daemonset`))
    .toMatchObject([
      { name: "lone", pods: { meshed: 0, running: 1 }, golden: null },
    ]);
  const metrics = await fetch(
    `http://127.0.0.1:${running?.ports["admin"]}/metrics`,
  );
  expect(await metrics.text()).toContain('scrapes_total{result="ok"}');
});

describe("questions that have no answer", () => {
  test.each([
    ["stat", "expected a kind"],
    ["stat?kind=gateway", "resource type 'gateway' is not supported"],
    ["stat?kind=pod&window=14999", "needs to be at least 15s"],
    ["stat?kind=pod&window=3600001", "needs to be at most 60m"],
    ["stat?kind=pod&window=1m", "expected a window in milliseconds"],
    ["stat?kind=pod&from_kind=service", "service is not supported as a target"],
    ["edges?kind=service", "Resource type is not supported: service"],
    ["routes?kind=sp", "resource type 'sp' is not supported"],
    ["stat?kind=constructor", "resource type 'constructor' is not supported"],
    ["stat?kind=__proto__", "resource type '__proto__' is not supported"],
    ["edges?kind=toString", "Resource type is not supported: toString"],
  ])("%s", async (path, error) => {
    const response = await fetch((await start()) + metricsPath(path, null));
    expect(response.status).toBe(400);
    expect((await response.json()).message).toContain(error);
  });

  test("from a page with another name that was made to point here", async () => {
    const response = await fetch(
      (await start()) + metricsPath("edges?kind=pod", null),
      {
        headers: { host: "attacker.example" },
      },
    );
    expect(response.status).toBe(403);
  });

  test("with a Prometheus that is not there", async () => {
    const url = await start("--prometheus-url=http://127.0.0.1:1");
    const response = await fetch(`${url}${metricsPath("stat", null)}?kind=pod`);
    expect(response.status).toBe(502);
    expect(await response.json()).toMatchObject({
      kind: "Status",
      message: expect.stringContaining(
        "Cannot ask Prometheus at http://127.0.0.1:1",
      ),
      details: {
        causes: [{ message: expect.stringContaining("prometheusUrl") }],
      },
    });
  });
});

test.each([
  ["--addr=:8085", "listens on 127.0.0.1 or [::1] only"],
  ["--addr=10.0.0.1:8085", "listens on 127.0.0.1 or [::1] only"],
  ["--prometheus-url=prometheus:9090", "expected a URL"],
])("%s is refused", (flag, why) => {
  const argv = ["--source=files", "--manifests=/x", flag];
  expect(() => parseMetrics(argv, {})).toThrow(why);
});
