import { describe } from "../../schemas/problem.ts";
import {
  addPage,
  createPodHistory,
  HISTORY_MS,
  type Losses,
  type PodHistory,
  trimHistory,
} from "./pod-history.ts";
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
  readonly scraped: (target: ScrapeTarget, losses: Losses) => void;
  readonly failed: (target: ScrapeTarget, why: string) => void;
}

/** Pods whose history is kept, those that are gone included; those gone longest go first. */
const MAX_PODS = 5_000;

/** Scrapes that may be under way at once; a pod that takes its time keeps one, and no other waits for longer than its time-out. */
const MAX_AT_ONCE = 100;

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
  const histories = new Map<string, PodHistory>();
  const live = new Map<string, Live>();
  const gone = new Map<string, number>();
  /** Those under way, each with what ends it. */
  const underWay = new Set<AbortController>();
  let isClosed = false;
  let pages = 0;
  const waiting: Live[] = [];

  function follow(target: ScrapeTarget): Live {
    const one: Live = { target, timer: undefined, isWaiting: false };
    schedule(one, options.random() * intervalMs);
    return one;
  }

  function schedule(one: Live, delayMs: number): void {
    one.timer = setTimeout(() => {
      schedule(one, intervalMs);
      if (one.isWaiting) return;
      one.isWaiting = true;
      waiting.push(one);
      next();
    }, delayMs);
  }

  function next(): void {
    while (underWay.size < MAX_AT_ONCE) {
      const one = waiting.shift();
      if (one === undefined) return;
      if (live.get(one.target.id) !== one) continue;
      void scrape(one).finally(() => {
        one.isWaiting = false;
        next();
      });
    }
  }

  async function scrape({ target }: Live): Promise<void> {
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
      let history = histories.get(target.id);
      if (history === undefined) {
        histories.set(target.id, history = createPodHistory(target.labels));
      }
      history.labels = target.labels;
      const losses = addPage(history, page, now());
      trimHistory(history, now());
      options.scraped(target, losses);
      if (++pages % PAGES_PER_COLLECTION === 0) Bun.gc(true);
    } catch (error) {
      if (isClosed) return;
      options.failed(
        target,
        isLate ? `no page within ${intervalMs * PATIENCE} ms` : describe(error),
      );
    } finally {
      clearTimeout(patience);
      underWay.delete(ending);
    }
  }

  function forget(): void {
    const oldest = now() - HISTORY_MS;
    for (const [id, since] of gone) {
      if (since >= oldest && histories.size <= MAX_PODS) continue;
      gone.delete(id);
      histories.delete(id);
    }
  }

  return {
    update(targets) {
      const ids = new Set(targets.map(({ id }) => id));
      for (const [id, one] of live) {
        if (ids.has(id)) continue;
        clearTimeout(one.timer);
        live.delete(id);
        gone.set(id, now());
      }
      for (const target of targets.slice(0, MAX_PODS)) {
        const known = live.get(target.id);
        gone.delete(target.id);
        if (known === undefined) live.set(target.id, follow(target));
        else known.target = target;
      }
      forget();
    },
    histories: () => histories.values(),
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
}
