import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import { createPageFetcher } from "../stats/fetch-page.ts";
import { createScraper, type Scraper } from "../stats/scraper.ts";

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
  return createScraper({
    intervalMs,
    fetch: createPageFetcher(),
    now: Date.now,
    random: Math.random,
    scraped({ id }, { garbage, overflow }, isNews) {
      scrapes.add(["ok"]);
      losses.add(["garbage"], garbage);
      losses.add(["overflow"], overflow);
      if (isNews) log.info("proxy scraped again", { pod: id });
    },
    failed({ id }, why, isNews) {
      scrapes.add(["failed"]);
      if (isNews) log.warn("cannot scrape proxy", { pod: id, error: why });
    },
  });
}
