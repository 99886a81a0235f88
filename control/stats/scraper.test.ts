import { afterEach, expect, test } from "bun:test";
import { createScraper, type Scraper, type ScrapeTarget } from "./scraper.ts";

const INTERVAL_MS = 40;

let scraper: Scraper | null = null;
afterEach(() => scraper?.close());

function target(name: string): ScrapeTarget {
  return { id: name, url: `http://${name}/metrics`, labels: { pod: name } };
}

/** A scraper of pods that answer so; `until` waits for that many pages of a pod. */
function open(fetch: (url: string, signal: AbortSignal) => Promise<string>) {
  const pages = new Map<string, number>();
  const failures: string[] = [];
  let woken = Promise.withResolvers<void>();
  const wake = () => {
    woken.resolve();
    woken = Promise.withResolvers();
  };
  const made = createScraper({
    intervalMs: INTERVAL_MS,
    async fetch(url, signal) {
      const page = await fetch(url, signal);
      pages.set(url, (pages.get(url) ?? 0) + 1);
      return page;
    },
    now: Date.now,
    random: () => 0.5,
    scraped: wake,
    failed: ({ id }, why) => {
      failures.push(`${id}: ${why}`);
      wake();
    },
  });
  scraper = made;
  return {
    scraper: made,
    failures,
    async until(condition: () => boolean) {
      while (!condition()) await woken.promise;
    },
    pages: (name: string) => pages.get(`http://${name}/metrics`) ?? 0,
  };
}

const PAGE = "response_total 1\n";

test("pods are scraped again and again, until they are gone; then what they said is kept", async () => {
  const { scraper, until, pages } = open(() => Promise.resolve(PAGE));
  scraper.update([target("a"), target("b")]);
  await until(() => pages("a") >= 3 && pages("b") >= 3);
  scraper.update([target("b")]);
  const seen = pages("a");
  const later = pages("b") + 3;
  await until(() => pages("b") >= later);
  // One may have been on its way.
  expect(pages("a")).toBeLessThanOrEqual(seen + 1);
  expect([...scraper.histories()].map(({ labels }) => labels["pod"]).sort())
    .toEqual(["a", "b"]);
});

test("a pod that never answers, and one that is broken, delay no other", async () => {
  const { scraper, until, pages, failures } = open((url, signal) => {
    if (url.includes("//broken/")) return Promise.reject(new Error("refused"));
    if (!url.includes("//slow")) return Promise.resolve(PAGE);
    return new Promise((_, reject) =>
      signal.addEventListener("abort", () => reject(new Error("aborted")))
    );
  });
  const slow = Array.from({ length: 60 }, (_, at) => target(`slow-${at}`));
  scraper.update([...slow, target("broken"), target("good")]);
  await until(() => pages("good") >= 5);
  expect(failures).toContain("broken: refused");
  expect(failures).toContain("slow-0: no page within 20 ms");
});

test("however many pods take their time, others do not wait for them", async () => {
  let slow = 0;
  const { scraper, until, pages } = open(async (url, signal) => {
    if (!url.includes("//slow")) return PAGE;
    slow++;
    // Just soon enough.
    await Bun.sleep(INTERVAL_MS / 4);
    signal.throwIfAborted();
    return PAGE;
  });
  const many = Array.from({ length: 1_500 }, (_, at) => target(`slow-${at}`));
  scraper.update([...many, target("good")]);
  // Nobody is known at first.
  await until(() => slow >= many.length && pages("good") >= 1);
  const [seen, before] = [pages("good"), slow];
  await until(() => pages("good") >= seen + 5);
  // In one line they would all have their turn before it, each time.
  expect(slow - before).toBeLessThan(2 * many.length);
});
