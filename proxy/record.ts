import { exposeHistogram, exposeSeries, formatBound } from "./record/expose.ts";
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
  beforeScrape(refresh: (nowMs: number) => void): void;
  /** Drops series that nobody holds and that have not changed for the retention; also part of every `expose`. */
  sweep(nowMs: number): void;
  /** The whole page in Prometheus' text format 0.0.4, family after family. */
  expose(nowMs: number): string;
}

/** How bucket bounds are printed: `1` as Linkerd's older families do, or `1.0` (OpenMetrics canonical numbers). */
export type BoundStyle = "integer" | "float";

/** All series of one metric name. */
export interface Family<S> {
  readonly name: string;
  /**
   * The series with these labels (text made by `formatLabels` and its friends), held by the caller until it calls
   * `release`. Look it up once per connection or endpoint and keep it. Past the limit of the family all new label
   * sets share one series, `overflow="true"`.
   */
  with(labels: string): S;
}

export interface RegistryOptions {
  /** How long a series without holder outlives its last change. */
  readonly retainIdleMs: number;
  readonly seriesMax?: number;
}

/**
 * Series a family may have. A series costs about 0.6 kB, its label text included, so that a family under a flood of
 * label values stays near 1 MB (design D13; CVE-2025-43915 was unbounded label values).
 */
export const SERIES_MAX = 2_000;

const OVERFLOW = formatLabels([["overflow", "true"]]);

/** Creates an empty registry. */
export function createRegistry(options: RegistryOptions): Registry {
  const { retainIdleMs, seriesMax = SERIES_MAX } = options;
  const families = new Map<string, Exposed>();
  const refreshers: ((nowMs: number) => void)[] = [];

  const add = <S extends Series | Histogram>(
    name: string,
    help: string,
    type: "counter" | "gauge" | "histogram",
    create: (labels: string) => S,
    print: (series: S) => string,
  ): Family<S> => {
    if (families.has(name)) throw new Error(`metric ${name} declared twice`);
    const all = new Map<string, S>();
    const make = (labels: string): S => {
      const series = create(labels);
      all.set(labels, series);
      return series;
    };
    const overflowed = (): S => {
      countOne(overflows, formatLabels([["metric", name]]));
      return all.get(OVERFLOW) ?? make(OVERFLOW);
    };
    families.set(name, {
      sweep: (nowMs) => sweep(all, nowMs, retainIdleMs),
      expose: () => {
        if (all.size === 0) return "";
        let text = `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
        for (const series of all.values()) text += print(series);
        return text;
      },
    });
    return {
      name,
      with(labels) {
        const series = all.get(labels) ??
          (all.size < seriesMax ? make(labels) : overflowed());
        series.holders += 1;
        return series;
      },
    };
  };

  const plain = (name: string, help: string, type: "counter" | "gauge") =>
    add(
      name,
      help,
      type,
      (labels) => new Series(labels),
      (series) => exposeSeries(name, series),
    );
  const overflows = plain(
    "proxy_metrics_overflow_total",
    "Times a metric had too many label sets to begin a new series",
    "counter",
  );

  const registry: Registry = {
    counter: (name, help) => plain(name, help, "counter"),
    gauge: (name, help) => plain(name, help, "gauge"),
    histogram(name, help, bounds, style = "float") {
      const values = Float64Array.from(bounds);
      const printed = bounds.map((bound) => formatBound(bound, style));
      return add(
        name,
        help,
        "histogram",
        (labels) => new Histogram(labels, values),
        (series) => exposeHistogram(name, printed, series),
      );
    },
    beforeScrape: (refresh) => void refreshers.push(refresh),
    sweep(nowMs) {
      for (const family of families.values()) family.sweep(nowMs);
    },
    expose(nowMs) {
      for (const refresh of refreshers) refresh(nowMs);
      registry.sweep(nowMs);
      let page = "";
      for (const family of families.values()) page += family.expose();
      // A comment in format 0.0.4, the end of the page for OpenMetrics readers; Linkerd's page ends so too.
      return `${page}# EOF\n`;
    },
  };
  return registry;
}

/** Adds one to a counter whose label set is not worth keeping, such as that of a rare error. */
export function countOne(family: Family<Series>, labels: string): void {
  const series = family.with(labels);
  series.value += 1;
  series.release();
}

interface Exposed {
  sweep(nowMs: number): void;
  expose(): string;
}

function sweep(
  all: Map<string, Series | Histogram>,
  nowMs: number,
  retainIdleMs: number,
): void {
  for (const [labels, series] of all) {
    if (series.value !== series.swept) {
      series.swept = series.value;
      series.changedAtMs = nowMs;
    } else if (
      series.holders === 0 && nowMs - series.changedAtMs >= retainIdleMs
    ) all.delete(labels);
  }
}
