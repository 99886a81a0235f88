// What an hour of 1,000 pods' golden metrics takes: `bun bench/micro/stats.ts [pods] [hours] [seconds]`. Hours are simulated;
// the scraper, what it keeps and what answers are the product's own. Then pages come over HTTP from another process, gzipped,
// in as many real seconds. Each pod is called by three and calls three.
import { createPageFetcher } from "../../control/stats/fetch-page.ts";
import { createMemoryReadings } from "../../control/stats/memory.ts";
import { readStat } from "../../control/stats/query/stat.ts";
import { createScraper } from "../../control/stats/scraper.ts";
import { busyPage, labelsOf } from "../../control/stats/testing/busy-page.ts";
import { simulateTime } from "../../control/stats/testing/simulated-time.ts";

const INTERVAL_MS = 10_000;
const HOUR_MS = 3_600_000;
/** For the allocator to give back what simulated scrapes, hundreds of times as fast, have left. */
const REST_MS = 3_000;
const PORT = 18_999;
/** When the pods began, in Unix seconds: today at midnight, or yesterday. */
const START_S = Math.floor(Date.now() / 86_400_000 - 0.5) * 86_400;

if (process.argv[2] === "serve") serve();
else await measure(process.argv.slice(2).map(Number));

/** The pods' pages, as of now. */
function serve(): void {
  Bun.serve({
    port: PORT,
    hostname: "127.0.0.1",
    fetch(request) {
      const pod = Number(new URL(request.url).pathname.slice(1));
      const page = busyPage(pod, Date.now() / 1_000 - START_S);
      return new Response(Bun.gzipSync(page), {
        headers: { "content-encoding": "gzip" },
      });
    },
  });
}

async function measure(
  [pods = 1_000, hours = 3, seconds = 60]: readonly number[],
): Promise<void> {
  print(`before: RSS ${mb(process.memoryUsage.rss())}`);
  const { sleep } = Bun;
  const time = simulateTime();
  const beganMs = Date.now() - hours * HOUR_MS;
  const fetchPage = createPageFetcher();
  let isSimulated = true;
  let pages = 0;
  const now = () => isSimulated ? beganMs + time.now() : Date.now();
  const scraper = createScraper({
    intervalMs: INTERVAL_MS,
    fetch(url, signal) {
      if (!isSimulated) return fetchPage(url, signal);
      const pod = Number(new URL(url).pathname.slice(1));
      return Promise.resolve(busyPage(pod, now() / 1_000 - START_S));
    },
    now,
    random: Math.random,
    scraped: () => void pages++,
    failed: (_, why) => {
      throw new Error(why);
    },
  });
  const targets = Array.from({ length: pods }, (_, pod) => ({
    id: String(pod),
    url: `http://127.0.0.1:${PORT}/${pod}`,
    labels: labelsOf(pod),
  }));
  scraper.update(targets);
  const readings = createMemoryReadings(scraper.histories, now);
  const report = async (what: string, cpuMs: number) => {
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
    print(
      `${what}: RSS ${mb(rss)}, heap ${mb(heapUsed)}, ${
        (heapUsed / pods / 1_000).toFixed(0)
      } kB per pod; ${
        (cpuMs / pages).toFixed(2)
      } ms of CPU per page; ${rows.length} rows in ${
        (performance.now() - startMs).toFixed(0)
      } ms`,
    );
    pages = 0;
  };

  for (let hour = 1; hour <= hours; hour++) {
    const cpuMs = cpuClock();
    for (let second = 0; second < 3_600; second += 10) {
      await time.pass(10_000);
    }
    const spentMs = cpuMs();
    await sleep(REST_MS);
    await report(`hour ${hour}`, spentMs);
  }
  time.end();

  const server = Bun.spawn([process.execPath, import.meta.path, "serve"]);
  await sleep(REST_MS);
  isSimulated = false;
  // Timers of the real clock.
  scraper.update([]);
  scraper.update(targets);
  for (let passed = 0; passed < seconds; passed += 20) {
    const cpuMs = cpuClock();
    await sleep(20_000);
    await report(`${passed + 20} s later`, cpuMs());
  }
  scraper.close();
  server.kill();
  process.exit();
}

function cpuClock(): () => number {
  const before = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1_000;
  };
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function mb(size: number): string {
  return `${(size / 1_000_000).toFixed(0)} MB`;
}
