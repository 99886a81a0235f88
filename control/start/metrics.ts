import type { MetricsConfig } from "../config/metrics.ts";
import { openFilesSource } from "../files/source.ts";
import { RESOURCES } from "../kube/resources.ts";
import { openKubeSource } from "../kube/source.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import { createStats } from "../serve/stats.ts";
import type { Emit } from "../source.ts";
import { fetchPage } from "../stats/fetch-page.ts";
import { createMemoryReadings } from "../stats/memory.ts";
import { createPods } from "../stats/pods.ts";
import { createPrometheusReadings } from "../stats/prometheus.ts";
import { createScraper } from "../stats/scraper.ts";
import { startAdmin } from "./admin.ts";
import { type Running, startWith } from "./running.ts";

/** Starts scraping, unless a Prometheus does, and answers questions; ready when the pods are known. */
export function startMetrics(
  config: MetricsConfig,
  log: Log,
): Promise<Running> {
  return startWith(async (closing) => {
    const admin = startAdmin(config, closing);
    const scraper = startScraper(config, admin.metrics, log);
    closing(scraper.close);
    const pods = createPods(() => {
      if (config.prometheusUrl === null) scraper.update(pods.targets());
    });
    const watching = new AbortController();
    closing(() => watching.abort());
    await openPods(config, pods.apply, log, watching.signal);

    const { host, port } = config.address;
    const server = Bun.serve({
      port,
      development: false,
      reusePort: false,
      ...(host === undefined ? {} : { hostname: host }),
      fetch: createStats({
        readings: config.prometheusUrl === null
          ? createMemoryReadings(scraper.histories, Date.now)
          : createPrometheusReadings(config.prometheusUrl, Date.now),
        pods: pods.all,
        now: Date.now,
      }).fetch,
    });
    closing(() => server.stop());
    admin.setReady();
    return { queries: server.port ?? port, admin: admin.port };
  });
}

function startScraper(
  { scrapeEveryMs }: MetricsConfig,
  metrics: Metrics,
  log: Log,
) {
  const scrapes = metrics.counter(
    "scrapes_total",
    "Pages asked of proxies, by whether one came.",
    ["result"],
  );
  const losses = metrics.counter(
    "scrape_losses_total",
    "Lines of pages that are not kept: garbage, or label sets beyond a pod's share.",
    ["why"],
  );
  const failing = new Set<string>();
  return createScraper({
    intervalMs: scrapeEveryMs,
    fetch: fetchPage,
    now: Date.now,
    random: Math.random,
    scraped({ id }, { garbage, overflow }) {
      scrapes.add(["ok"]);
      losses.add(["garbage"], garbage);
      losses.add(["overflow"], overflow);
      if (failing.delete(id)) log.info("proxy scraped again", { pod: id });
    },
    failed({ id }, why) {
      scrapes.add(["failed"]);
      if (failing.has(id)) return; // said once
      if (failing.size < MAX_FAILING) failing.add(id);
      log.warn("cannot scrape proxy", { pod: id, error: why });
    },
  });
}

/** Pods whose failing is remembered, so that it is said once. */
const MAX_FAILING = 10_000;

async function openPods(
  { source }: MetricsConfig,
  emit: Emit,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  if (source.kind === "files") {
    await openFilesSource({ dir: source.manifests, emit, log, signal });
    return;
  }
  const resources = RESOURCES.filter(({ kind }) => kind === "Pod");
  const { server } = source;
  await openKubeSource({ server, emit, log, signal, resources }).synced;
}
