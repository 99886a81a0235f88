import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import { createPageFetcher } from "../stats/fetch-page.ts";
import { createScraper, type Scraper } from "../stats/scraper.ts";

/** Pods whose failing is remembered, so that it is said once. */
const MAX_FAILING = 10_000;

/** Scrapes proxies, and counts and tells how that goes. */
export function startScraper(
  intervalMs: number,
  metrics: Metrics,
  log: Log,
): Scraper {
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
    intervalMs,
    fetch: createPageFetcher(),
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
