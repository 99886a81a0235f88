// What the metrics of pods take in memory (bench/micro/stats.ts measures it for 1,000): so much for a pod, and no more later.
import { fullGC, heapStats } from "bun:jsc";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { createScraper, type Scraper } from "./scraper.ts";
import { busyPage, labelsOf } from "./testing/busy-page.ts";
import { type SimulatedTime, simulateTime } from "./testing/simulated-time.ts";

const PODS = 30;
const INTERVAL_MS = 10_000;
const HOUR_MS = 3_600_000;
/** Of 300 MB for 1,000 pods, what is left beside the runtime and the program. */
const PER_POD_BYTES = 180_000;

let time: SimulatedTime;
let scraper: Scraper;
beforeEach(() => void (time = simulateTime()));
afterEach(() => {
  scraper.close();
  time.end();
});

/** Scrapes pods, of which some are replaced by others each hour. */
function open(page: (pod: number, seconds: number) => string): void {
  scraper = createScraper({
    intervalMs: INTERVAL_MS,
    fetch: (url) => Promise.resolve(page(Number(url), time.now() / 1_000)),
    now: time.now,
    random: () => 0.5,
    scraped() {},
    failed: (_, why) => {
      throw new Error(why);
    },
  });
}

function follow(first: number): void {
  scraper.update(Array.from({ length: PODS }, (_, at) => ({
    id: String(first + at),
    url: String(first + at),
    labels: labelsOf(first + at),
  })));
}

function heapBytes(): number {
  fullGC();
  return heapStats().heapSize;
}

test("an hour of a pod takes so much, and the next hours no more", async () => {
  open(busyPage);
  const before = heapBytes();
  follow(0);
  const hours: number[] = [];
  for (let hour = 0; hour < 3; hour++) {
    await time.pass(HOUR_MS);
    hours.push((heapBytes() - before) / PODS);
  }
  const [, second = NaN, third = NaN] = hours;
  expect(Math.max(...hours)).toBeLessThan(PER_POD_BYTES);
  expect(third).toBeLessThan(second * 1.05);
}, 120_000);

test("pods that are gone take nothing an hour later", async () => {
  open((pod, seconds) =>
    `response_total{pod="${pod}"} ${Math.floor(seconds)}\n`
  );
  const before = heapBytes();
  for (let round = 0; round < 30; round++) {
    follow(round * PODS);
    await time.pass(HOUR_MS / 6);
  }
  // Those of the last hour, and those that were there when it began.
  expect([...scraper.histories()].length).toBeLessThanOrEqual(8 * PODS);
  expect(heapBytes() - before).toBeLessThan(8 * PODS * PER_POD_BYTES / 10);
}, 120_000);
