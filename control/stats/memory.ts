import type { Growth } from "./growth.ts";
import { type Gauge, HISTORY_MS, type PodHistory } from "./pod-history.ts";
import {
  type Distribution,
  type Labels,
  type Matcher,
  type Reading,
  type Readings,
  type Selector,
  seriesEnd,
} from "./readings.ts";
import { addSteps } from "./steps.ts";

/** How late a scrape may be before its pod no longer counts as it is now. */
const FRESH_MS = 35_000;

/**
 * Answers from what was scraped. An increase is what was seen between two scrapes about a window apart, scaled to the
 * window: exact for steady traffic, and for other within the time between two scrapes, as with a Prometheus.
 */
export function createMemoryReadings(
  pods: () => Iterable<PodHistory>,
  now: () => number,
): Readings {
  /** Calls with all series of the selector and their labels to group by. */
  function each<S extends { readonly labels: Labels }>(
    familiesOf: (pod: PodHistory) => Map<string, Map<string, S>>,
    { metric, labels }: Selector,
    call: (series: S, pod: PodHistory) => void,
  ): void {
    for (const pod of pods()) {
      const isOther = labels.some((one) =>
        pod.labels[one.label] !== undefined &&
        !holds(one, pod.labels, pod.labels)
      );
      if (isOther) continue;
      for (const series of familiesOf(pod).get(metric)?.values() ?? []) {
        if (labels.every((one) => holds(one, series.labels, pod.labels))) {
          call(series, pod);
        }
      }
    }
  }

  return {
    increase(selector, by, windowMs) {
      const groups = new Groups<Reading & { value: number }>(by);
      const grown = growthSince(now() - windowMs, windowMs);
      each((pod) => pod.counters, selector, ({ labels, growth }, pod) => {
        const value = grown(pod, growth);
        if (value === 0) return;
        groups.of(labels, pod.labels, (key) => ({ labels: key, value: 0 }))
          .value += value;
      });
      return Promise.resolve(groups.all());
    },
    distribution(selector, by, windowMs) {
      type Sums = { labels: Labels; counts: Map<number, number> };
      const groups = new Groups<Sums>(by);
      const grown = growthSince(now() - windowMs, windowMs);
      each((pod) => pod.histograms, selector, ({ labels, buckets }, pod) => {
        const sums = [...buckets].map(([bound, growth]) =>
          [bound, growth === null ? 0 : grown(pod, growth)] as const
        );
        if (sums.every(([, count]) => count === 0)) return;
        const { counts } = groups.of(
          labels,
          pod.labels,
          (key) => ({ labels: key, counts: new Map() }),
        );
        for (const [bound, count] of sums) {
          counts.set(bound, (counts.get(bound) ?? 0) + count);
        }
      });
      return Promise.resolve(
        groups.all().map(({ labels, counts }): Distribution => ({
          labels,
          buckets: [...counts].sort(([a], [b]) => a - b)
            .map(([bound, count]) => ({ bound, count })),
        })),
      );
    },
    series(selector, by, windowMs, stepMs) {
      const count = Math.floor(windowMs / stepMs);
      const startMs = seriesEnd(now(), stepMs) - count * stepMs;
      const groups = new Groups<{ labels: Labels; steps: number[] }>(by);
      each((pod) => pod.counters, selector, ({ labels, growth }, pod) => {
        const { steps } = groups.of(labels, pod.labels, (key) => ({
          labels: key,
          steps: Array<number>(count).fill(0),
        }));
        addSteps(steps, growth, pod, startMs, stepMs);
      });
      return Promise.resolve(
        groups.all().filter(({ steps }) => steps.some((value) => value > 0)),
      );
    },
    latest(selector, by) {
      const groups = new Groups<Reading & { value: number }>(by);
      const freshMs = now() - FRESH_MS;
      each<Gauge>((pod) => pod.gauges, selector, (gauge, pod) => {
        const { times, firstSlot } = pod;
        const isLast = gauge.seen === firstSlot + times.length - 1;
        if (!isLast || (times.at(-1) ?? 0) < freshMs) return;
        groups.of(gauge.labels, pod.labels, (key) => ({
          labels: key,
          value: 0,
        })).value += gauge.value;
      });
      return Promise.resolve(groups.all());
    },
  };
}

/** By how much a counter of a pod grew in a window. */
function growthSince(
  startMs: number,
  windowMs: number,
): (pod: PodHistory, growth: Growth) => number {
  let known: { readonly pod: PodHistory; after: number; scale: number } | null =
    null;
  return (pod, growth) => {
    if (known?.pod !== pod) known = { pod, ...spanOf(pod, startMs, windowMs) };
    return growth.since(known.after) * known.scale;
  };
}

/** The scrapes that a window is measured between. */
function spanOf(
  { times, firstSlot }: PodHistory,
  startMs: number,
  windowMs: number,
): { readonly after: number; readonly scale: number } {
  // The last one before the window: what came until then is not in it.
  let first = times.findLastIndex((time) => time <= startMs);
  const isWhole = first >= 0;
  if (first < 0) first = 0;
  const coveredMs = (times.at(-1) ?? 0) - (times[first] ?? 0);
  const after = firstSlot + first;
  // A pod of which less is known was not there before, as far as anybody knows: nothing is added for that time.
  return { after, scale: isWhole && coveredMs > 0 ? windowMs / coveredMs : 1 };
}

function holds(
  { label, is, value }: Matcher,
  own: Labels,
  pod: Labels,
): boolean {
  return (valueOf(label, own, pod) === value) === (is === "=");
}

/** Who a pod is, its page cannot say otherwise: it would speak for pods of other namespaces. */
function valueOf(label: string, own: Labels, pod: Labels): string {
  return pod[label] ?? own[label] ?? "";
}

/** Sums by the values of some labels. */
class Groups<G> {
  readonly #by: readonly string[];
  readonly #groups = new Map<string, G>();

  constructor(by: readonly string[]) {
    this.#by = by;
  }

  of(own: Labels, pod: Labels, create: (labels: Labels) => G): G {
    const values = this.#by.map((label) => valueOf(label, own, pod));
    // No label of ours has it: a separator that nobody can write.
    const key = values.join("\u0000");
    let group = this.#groups.get(key);
    if (group === undefined) {
      const labels = Object.fromEntries(
        this.#by.map((label, at) => [label, values[at] ?? ""]),
      );
      this.#groups.set(key, group = create(labels));
    }
    return group;
  }

  all(): G[] {
    return [...this.#groups.values()];
  }
}

/** The longest window that can be asked for. */
export const MAX_WINDOW_MS = HISTORY_MS;
