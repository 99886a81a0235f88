import type { MetricsConfig } from "../config/metrics.ts";
import { openFilesSource } from "../files/source.ts";
import { createReview } from "../kube/access-review.ts";
import { followFrontProxy } from "../kube/front-proxy.ts";
import type { ApiServer } from "../kube/in-cluster.ts";
import { RESOURCES } from "../kube/resources.ts";
import { openKubeSource } from "../kube/source.ts";
import type { Log } from "../log.ts";
import { createAggregated } from "../serve/aggregated/app.ts";
import {
  type AggregatedServer,
  serveAggregated,
} from "../serve/aggregated/listen.ts";
import { createStats, type StatsOptions } from "../serve/stats.ts";
import type { Emit } from "../source.ts";
import { createMemoryReadings } from "../stats/memory.ts";
import { createPods } from "../stats/pods.ts";
import { createPrometheusReadings } from "../stats/prometheus.ts";
import { createKnownPods } from "../tap/known.ts";
import { startAdmin } from "./admin.ts";
import { type Closer, type Running, startWith } from "./running.ts";
import { startScraper } from "./scraper.ts";
import { startTap } from "./tap.ts";

/** Starts scraping, unless a Prometheus does, and answers questions; ready when the pods are known, and who may ask. */
export function startMetrics(
  config: MetricsConfig,
  log: Log,
): Promise<Running> {
  return startWith(async (closing) => {
    const admin = startAdmin(config, closing);
    const scraper = startScraper(config.scrapeEveryMs, admin.metrics, log);
    closing(scraper.close);
    const tapped = createKnownPods();
    const pods = createPods(() => {
      if (config.prometheusUrl === null) scraper.update(pods.targets());
    });
    const watching = new AbortController();
    closing(() => watching.abort());
    const emit: Emit = (events) => {
      tapped.apply(events);
      pods.apply(events);
    };
    await openPods(config, emit, log, watching.signal);
    // What lists leave behind goes at once, while nobody waits (docs/decisions/0117).
    // deno-lint-ignore no-boolean-literal-for-arguments -- Bun's signature: a whole collection, now
    Bun.gc(true);

    const options: StatsOptions = {
      readings: config.prometheusUrl === null
        ? createMemoryReadings(scraper.histories, Date.now)
        : createPrometheusReadings(config.prometheusUrl, Date.now),
      pods: pods.all,
      tapping: startTap(tapped, admin.metrics, log),
      now: Date.now,
    };
    const queries = config.source.kind === "files"
      ? serveLocally(config, options, closing)
      : await serveBehind(config.source.server, config, options, log, closing);
    admin.setReady();
    return { queries, admin: admin.port };
  });
}

/** Answers whoever is on this machine; its port. */
function serveLocally(
  { address: { host, port } }: MetricsConfig,
  options: StatsOptions,
  closing: (closer: Closer) => void,
): number {
  const server = Bun.serve({
    port,
    development: false,
    reusePort: false,
    ...(host === undefined ? {} : { hostname: host }),
    fetch: createStats(options).fetch,
  });
  // Whoever watches requests would never be done.
  closing(() => server.stop(true));
  return server.port ?? port;
}

/** Answers those for whom the API server asks, as far as it says that they may; its port. */
async function serveBehind(
  api: ApiServer,
  { address, certificate }: MetricsConfig,
  options: StatsOptions,
  log: Log,
  closing: (closer: Closer) => void,
): Promise<number> {
  const following = new AbortController();
  closing(() => following.abort());
  let server: AggregatedServer | null = null;
  const proxy = await followFrontProxy(api, {
    log,
    signal: following.signal,
    changed: (changed) => server?.believe(changed),
  });
  server = await serveAggregated({
    address,
    folder: certificate,
    proxy,
    answer: createAggregated(options, createReview(api, { now: Date.now })),
    log,
  });
  closing(server.close);
  return server.port;
}

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
