// What an hour of 1,000 pods' golden metrics takes: `bun bench/micro/stats.ts [pods] [hours]`. Time is simulated; the scraper,
// what it keeps and what answers are the product's own. Each pod is called by three and calls three.
import { createMemoryReadings } from "../../control/stats/memory.ts";
import { readStat } from "../../control/stats/query/stat.ts";
import { createScraper } from "../../control/stats/scraper.ts";
import { busyPage, labelsOf } from "../../control/stats/testing/busy-page.ts";
import { simulateTime } from "../../control/stats/testing/simulated-time.ts";

const [pods = 1_000, hours = 3] = process.argv.slice(2).map(Number);
const INTERVAL_MS = 10_000;
const HOUR_MS = 3_600_000;

const base = process.memoryUsage.rss();
const time = simulateTime();
let pages = 0;
let bytes = 0;
const scraper = createScraper({
  intervalMs: INTERVAL_MS,
  fetch(url) {
    const page = busyPage(Number(url), time.now() / 1_000);
    pages += 1;
    bytes += page.length;
    return Promise.resolve(page);
  },
  now: time.now,
  random: Math.random,
  scraped() {},
  failed: (_, why) => {
    throw new Error(why);
  },
});
scraper.update(
  Array.from({ length: pods }, (_, pod) => ({
    id: String(pod),
    url: String(pod),
    labels: labelsOf(pod),
  })),
);
const readings = createMemoryReadings(scraper.histories, time.now);

print(`before: RSS ${mb(base)}`);
for (let hour = 1; hour <= hours; hour++) {
  const cpu = process.cpuUsage();
  const [pagesBefore, bytesBefore] = [pages, bytes];
  let peak = 0;
  for (let minute = 0; minute < 60; minute++) {
    await time.pass(HOUR_MS / 60);
    peak = Math.max(peak, process.memoryUsage.rss());
  }
  const { user, system } = process.cpuUsage(cpu);
  const count = pages - pagesBefore;
  Bun.gc(true);
  const { rss, heapUsed } = process.memoryUsage();
  const startMs = performance.now();
  const rows = await readStat(
    {
      target: { kind: "deployment", name: null, namespace: null },
      windowMs: 60_000,
      to: null,
      from: null,
    },
    readings,
    () => [],
  );
  const tookMs = performance.now() - startMs;
  print(
    `hour ${hour}: RSS ${mb(rss)} (at most ${mb(peak)}), heap ${
      mb(heapUsed)
    }, ${(heapUsed / pods / 1_000).toFixed(0)} kB per pod; ${
      ((bytes - bytesBefore) / count / 1_000).toFixed(0)
    } kB per page, ${
      ((user + system) / count).toFixed(0)
    } us of CPU per page (making it included); ${rows.length} rows in ${
      tookMs.toFixed(0)
    } ms`,
  );
}
scraper.close();
time.end();

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function mb(size: number): string {
  return `${(size / 1_000_000).toFixed(0)} MB`;
}
