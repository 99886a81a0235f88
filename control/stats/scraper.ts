import { describe } from "../../schemas/problem.ts";
import { createHistories, MAX_PODS } from "./histories.ts";
import type { Losses, PodHistory } from "./pod-history.ts";
import type { Labels } from "./readings.ts";

/** A proxy to be scraped. */
export interface ScrapeTarget {
  /** Stays the same as long as the pod does. */
  readonly id: string;
  readonly url: string;
  readonly labels: Labels;
}

export interface ScraperOptions {
  /** Between two scrapes of a pod; Linkerd's Prometheus has 10 s. */
  readonly intervalMs: number;
  /** Fetches a page; must end when the signal says so. */
  readonly fetch: (url: string, signal: AbortSignal) => Promise<string>;
  readonly now: () => number;
  readonly random: () => number;
  /** `isNews`: the last scrape of this pod went the other way. */
  readonly scraped: (
    target: ScrapeTarget,
    losses: Losses,
    isNews: boolean,
  ) => void;
  readonly failed: (
    target: ScrapeTarget,
    why: string,
    isNews: boolean,
  ) => void;
}

/** Scrapes that may be under way at once. */
const MAX_AT_ONCE = 100;
/** Those of pods that took their time the last time, however many there are: others do not wait for them. */
const MAX_SLOW_AT_ONCE = 50;
/** What is slow, in parts of the interval. */
const SLOW = 0.1;

/** A page that takes longer than this, in parts of the interval, is given up. */
const PATIENCE = 0.5;

/**
 * Pages after which their garbage is collected: of 1,000 pods every quarter of a minute, in 0.1 s. Left to itself the collector waits
 * until there is half as much garbage as there is history, 80 MB (bench/micro/stats.ts).
 */
const PAGES_PER_COLLECTION = 1_500;

export interface Scraper {
  /** These are the pods from now on; the history of others is kept for as long as it can be asked for. */
  update(targets: readonly ScrapeTarget[]): void;
  histories(): Iterable<PodHistory>;
  close(): void;
}

/** Scrapes every pod once per interval, at a time of its own within it, so that the work is spread out. */
export function createScraper(options: ScraperOptions): Scraper {
  const { intervalMs, now } = options;
  const histories = createHistories();
  const live = new Map<string, Live>();
  /** What ends those that are under way. */
  const underWay = new Set<AbortController>();
  let slowUnderWay = 0;
  let isClosed = false;
  let pages = 0;
  const waiting: Live[] = [];
  const slowWaiting: Live[] = [];

  function follow(target: ScrapeTarget): Live {
    const one: Live = {
      target,
      timer: undefined,
      ...{ isWaiting: false, isFailing: false, isSlow: false },
    };
    schedule(one, options.random() * intervalMs);
    return one;
  }

  function schedule(one: Live, delayMs: number): void {
    one.timer = setTimeout(() => {
      schedule(one, intervalMs);
      if (one.isWaiting) return;
      one.isWaiting = true;
      (one.isSlow ? slowWaiting : waiting).push(one);
      next();
    }, delayMs);
  }

  function next(): void {
    while (underWay.size < MAX_AT_ONCE) {
      const one = waiting.shift() ??
        (slowUnderWay < MAX_SLOW_AT_ONCE ? slowWaiting.shift() : undefined);
      if (one === undefined) return;
      if (live.get(one.target.id) !== one) continue;
      const wasSlow = one.isSlow;
      if (wasSlow) slowUnderWay++;
      void scrape(one).finally(() => {
        if (wasSlow) slowUnderWay--;
        one.isWaiting = false;
        next();
      });
    }
  }

  async function scrape(one: Live): Promise<void> {
    const { target } = one;
    const beganMs = now();
    const ending = new AbortController();
    underWay.add(ending);
    let isLate = false;
    const patience = setTimeout(() => {
      isLate = true;
      ending.abort();
    }, intervalMs * PATIENCE);
    try {
      const page = await options.fetch(target.url, ending.signal);
      if (isClosed) return;
      const losses = histories.add(target.id, target.labels, page, now());
      options.scraped(target, losses, one.isFailing);
      one.isFailing = false;
      if (++pages % PAGES_PER_COLLECTION === 0) Bun.gc(true);
    } catch (error) {
      if (isClosed) return;
      options.failed(
        target,
        isLate ? `no page within ${intervalMs * PATIENCE} ms` : describe(error),
        !one.isFailing,
      );
      one.isFailing = true;
    } finally {
      one.isSlow = now() - beganMs > intervalMs * SLOW;
      clearTimeout(patience);
      underWay.delete(ending);
    }
  }

  return {
    update(targets) {
      const ids = new Set(targets.map(({ id }) => id));
      for (const [id, one] of live) {
        if (ids.has(id)) continue;
        clearTimeout(one.timer);
        live.delete(id);
      }
      for (const target of targets.slice(0, MAX_PODS)) {
        const known = live.get(target.id);
        if (known === undefined) live.set(target.id, follow(target));
        else known.target = target;
      }
      histories.update(ids, now());
    },
    histories: histories.all,
    close() {
      isClosed = true;
      for (const ending of underWay) ending.abort();
      for (const { timer } of live.values()) clearTimeout(timer);
      live.clear();
    },
  };
}

interface Live {
  target: ScrapeTarget;
  timer: ReturnType<typeof setTimeout> | undefined;
  /** In line or under way. */
  isWaiting: boolean;
  /** How its last scrape went. */
  isFailing: boolean;
  isSlow: boolean;
}
