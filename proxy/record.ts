import {
  type BoundStyle,
  exposeHistogram,
  exposeSeries,
  formatBound,
} from "./record/expose.ts";
import { Family, type Kind } from "./record/family.ts";
import { formatLabels } from "./record/labels.ts";
import { Histogram, Series } from "./record/series.ts";

/** All metrics of one process: families are made once at the start, series whenever a label set is first met. */
export interface Registry {
  counter(name: string, help: string): Family<Series>;
  gauge(name: string, help: string): Family<Series>;
  /** `bounds`: upper bounds in ascending order, without +Inf. */
  histogram(
    name: string,
    help: string,
    bounds: readonly number[],
    style?: BoundStyle,
  ): Family<Histogram>;
  /** Has `refresh` called before each exposition, for figures that are read rather than counted. */
  beforeScrape(refresh: () => void): void;
  /** Drops series that nobody holds and that have not changed for the retention; also part of every `expose`. */
  sweep(nowMs: number): void;
  /**
   * The page in Prometheus' text format 0.0.4, family after family, in pieces: a page of 1,000 endpoints has 10 MB, and
   * printed at once it would hold up traffic for 20 ms. Series may go on counting between two pieces.
   */
  expose(nowMs: number): Generator<string>;
}

export interface RegistryOptions {
  /** How long a series without holder outlives its last change. */
  readonly retainIdleMs: number;
  readonly seriesMax?: number;
}

/**
 * Series a family may have. One costs about 1.2 kB with its label text (measured), so that a family under a flood of
 * label values stays below 3 MB (design D13; CVE-2025-43915 was unbounded label values).
 */
export const SERIES_MAX = 2_000;

const COUNTER: Kind<Series> = {
  type: "counter",
  create: (labels) => new Series(labels),
  print: exposeSeries,
};
const GAUGE: Kind<Series> = { ...COUNTER, type: "gauge" };

/** Creates an empty registry. */
export function createRegistry(options: RegistryOptions): Registry {
  const { retainIdleMs, seriesMax = SERIES_MAX } = options;
  const families = new Map<string, Family>();
  const refreshers: (() => void)[] = [];

  const overflowsOf = (metric: string): Series =>
    overflows.with(formatLabels([["metric", metric]]));
  const add = <S extends Series | Histogram>(
    name: string,
    help: string,
    kind: Kind<S>,
  ): Family<S> => {
    if (families.has(name)) throw new Error(`metric ${name} declared twice`);
    const family = new Family(name, help, kind, seriesMax, overflowsOf);
    families.set(name, family);
    return family;
  };
  const overflows = add(
    "proxy_metrics_overflow_total",
    "Times a metric had no room for a new label set or name",
    COUNTER,
  );
  const sweep = (nowMs: number): void => {
    for (const family of families.values()) family.sweep(nowMs, retainIdleMs);
  };

  return {
    counter: (name, help) => add(name, help, COUNTER),
    gauge: (name, help) => add(name, help, GAUGE),
    histogram: (name, help, bounds, style = "float") =>
      add(name, help, histogramKind(bounds, style)),
    beforeScrape: (refresh) => void refreshers.push(refresh),
    sweep,
    *expose(nowMs) {
      for (const refresh of refreshers) refresh();
      sweep(nowMs);
      for (const family of families.values()) yield* family.expose();
      // A comment in format 0.0.4, the end of the page for OpenMetrics readers; Linkerd's page ends so too.
      yield "# EOF\n";
    },
  };
}

/** Adds one to a counter whose label set is not worth keeping, such as that of a rare error. */
export function countOne(family: Family<Series>, labels: string): void {
  const series = family.with(labels);
  series.value += 1;
  series.release();
}

function histogramKind(
  bounds: readonly number[],
  style: BoundStyle,
): Kind<Histogram> {
  const values = Float64Array.from(bounds);
  const printed = bounds.map((bound) => formatBound(bound, style));
  return {
    type: "histogram",
    create: (labels) => new Histogram(labels, values),
    print: (name, series) => exposeHistogram(name, printed, series),
  };
}
