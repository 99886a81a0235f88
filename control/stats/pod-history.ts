import { parseLabels, readPage, splitBound } from "./exposition.ts";
import { Growth } from "./growth.ts";
import { KEPT } from "./kept.ts";
import type { Labels } from "./readings.ts";

/** How far back one can look. */
export const HISTORY_MS = 60 * 60_000;

/**
 * Numbers that are followed of one pod, buckets one by one, and characters of all their labels. A proxy bounds its own
 * (proxy/record.ts), but it is not ours to believe. A busy pod has 200 numbers, one that talks to 300 others 9,000; what a
 * number says in an hour takes 1 kB, and 3 kB when a pod means harm.
 */
export interface Room {
  readonly numbers: number;
  readonly text: number;
}

/** What a pod may have when nobody else wants it. */
export const WHOLE: Room = { numbers: 10_000, text: 2_000_000 };

/** What one pod's proxy has said in the last hour. */
export interface PodHistory {
  /** Who the pod is: `namespace`, `pod`, `deployment` …; as Prometheus would be told by Linkerd's scrape configuration. */
  labels: Labels;
  /** When each of the last scrapes was made, the oldest first; slots count from `firstSlot`. */
  readonly times: number[];
  firstSlot: number;
  /** How many counters, histograms, buckets and gauges there are, and how long their labels are together. */
  numbers: number;
  text: number;
  /** By metric (of a histogram without `_bucket`), then label text. */
  readonly counters: Map<string, Map<string, Counter>>;
  readonly histograms: Map<string, Map<string, Histogram>>;
  readonly gauges: Map<string, Map<string, Gauge>>;
}

/** `seen`: the slot in which it was on the page last. */
export interface Counter {
  readonly labels: Labels;
  readonly growth: Growth;
  seen: number;
}

export interface Histogram {
  readonly labels: Labels;
  /** By bound; each counts what is up to it and not up to the one before. Null: nothing ever was; most are so. */
  readonly buckets: Map<number, Growth | null>;
  seen: number;
}

export interface Gauge {
  readonly labels: Labels;
  value: number;
  seen: number;
}

/** What a page had that is not kept. */
export interface Losses {
  readonly garbage: number;
  readonly overflow: number;
}

/** A pod of which nothing is known yet. */
export function createPodHistory(labels: Labels): PodHistory {
  return {
    labels,
    times: [],
    firstSlot: 0,
    numbers: 0,
    text: 0,
    counters: new Map(),
    histograms: new Map(),
    gauges: new Map(),
  };
}

/** Adds one page to a pod's history, as far as there is room. What its first page says is a beginning, not an increase. */
export function addPage(
  history: PodHistory,
  page: string,
  nowMs: number,
  room: Room = WHOLE,
): Losses {
  const isFirst = history.times.length === 0;
  const { firstSlot } = history;
  const slot = firstSlot + history.times.length;
  history.times.push(nowMs);
  let overflow = 0;
  let bad = 0;
  /** What has not been on the pages before has grown from nothing. */
  const begin = (value: number) => new Growth(isFirst ? value : 0);
  const find = <S extends { seen: number }>(
    families: Map<string, Map<string, S>>,
    metric: string,
    text: string,
    create: (labels: Labels) => S,
  ): S | null => {
    let family = families.get(metric);
    if (family === undefined) families.set(metric, family = new Map());
    let series = family.get(text);
    if (series === undefined) {
      if (isFull(history, text.length, room)) {
        overflow++;
        return null;
      }
      const own = copy(text);
      const labels = parseLabels(own);
      if (labels === null) {
        bad++;
        return null;
      }
      history.text += own.length;
      history.numbers++;
      family.set(own, series = create(labels));
    }
    series.seen = slot;
    return series;
  };
  /** The bucket before, when it is of the same histogram. */
  let before = { metric: "", text: "", value: 0 };
  const addBucket = (metric: string, text: string, value: number) => {
    const split = splitBound(text);
    if (split === null) return void bad++;
    const isNext = before.text === split.rest && before.metric === metric;
    const own = isNext ? value - before.value : value;
    before = { metric, text: split.rest, value };
    if (own < 0) return void bad++;
    const histogram = find<Histogram>(
      history.histograms,
      metric,
      split.rest,
      (labels) => ({ labels, buckets: new Map(), seen: slot }),
    );
    if (histogram === null) return;
    const { buckets } = histogram;
    let bucket = buckets.get(split.bound);
    if (bucket === undefined) {
      if (buckets.size >= MAX_BUCKETS || isFull(history, 0, room)) {
        return void overflow++;
      }
      history.numbers++;
      buckets.set(split.bound, bucket = null);
    }
    if (bucket === null) {
      if (own === 0) return;
      buckets.set(split.bound, bucket = begin(own));
    }
    bucket.add(slot, own, firstSlot);
  };

  const garbage = readPage(page, KEPT, ({ metric, kind }, text, value) => {
    if (!(value >= 0 && value < Infinity)) return void bad++;
    switch (kind) {
      case "bucket":
        return addBucket(metric, text, value);
      case "counter": {
        const counter = find<Counter>(
          history.counters,
          metric,
          text,
          (labels) => ({ labels, growth: begin(value), seen: slot }),
        );
        return counter?.growth.add(slot, value, firstSlot);
      }
      case "gauge": {
        const gauge = find<Gauge>(
          history.gauges,
          metric,
          text,
          (labels) => ({ labels, value, seen: slot }),
        );
        if (gauge !== null) gauge.value = value;
      }
    }
  });
  return { garbage: garbage + bad, overflow };
}

/** Whether a pod may have no more numbers, or no more of this much text. */
function isFull(
  { numbers, text }: PodHistory,
  more: number,
  room: Room,
): boolean {
  return numbers >= room.numbers || text + more > room.text;
}

/** A string of its own: a slice would keep the whole page in memory. */
function copy(text: string): string {
  return Buffer.from(text).toString();
}

/** Buckets of one histogram; Linkerd's largest have 26. */
const MAX_BUCKETS = 64;

/** Forgets what is older than the history goes back, and series that have said nothing since. */
export function trimHistory(history: PodHistory, nowMs: number): void {
  const { times } = history;
  const young = times.findIndex((time) => time >= nowMs - HISTORY_MS);
  const gone = young < 0 ? times.length : young;
  times.splice(0, gone);
  history.firstSlot += gone;
  const after = history.firstSlot - 1;
  const last = after + times.length;
  const drop = <S extends { readonly seen: number }>(
    families: Map<string, Map<string, S>>,
    hasGrown: (series: S) => boolean,
    numbersOf: (series: S) => number = () => 0,
  ) => {
    for (const family of families.values()) {
      for (const [text, series] of family) {
        if (hasGrown(series) || series.seen >= last) continue;
        family.delete(text);
        history.text -= text.length;
        history.numbers -= 1 + numbersOf(series);
      }
    }
  };
  drop(history.counters, ({ growth }) => growth.hasGrown(after));
  drop(history.histograms, ({ buckets }) => {
    let hasGrown = false;
    for (const growth of buckets.values()) {
      if (growth?.hasGrown(after) === true) hasGrown = true;
    }
    return hasGrown;
  }, ({ buckets }) => buckets.size);
  drop(history.gauges, () => false);
}
