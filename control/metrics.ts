/** Values of a metric's labels, in the order of its label names. */
type Labels = readonly string[];

export interface Counter {
  readonly add: (labels: Labels, by?: number) => void;
}

export interface Histogram {
  readonly add: (amount: number) => void;
}

/** One line of a metric that is read when asked for. */
export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

/** Metrics of a program and their Prometheus text; labels must come from closed sets, for nothing here forgets. */
export interface Metrics {
  readonly counter: (
    name: string,
    help: string,
    labelNames: readonly string[],
  ) => Counter;
  /** A counter kept here whose value may fall, such as of open streams. */
  readonly upDown: (
    name: string,
    help: string,
    labelNames: readonly string[],
  ) => Counter;
  /** Anything whose value is found out at each scrape. */
  readonly read: (
    kind: "counter" | "gauge",
    name: string,
    help: string,
    labelNames: readonly string[],
    samples: () => readonly Sample[],
  ) => void;
  /** Amounts, counted by the first of the ascending bounds that they do not exceed. */
  readonly histogram: (
    name: string,
    help: string,
    bounds: readonly number[],
  ) => Histogram;
  readonly render: () => string;
}

export const PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8";

/** An empty set of metrics. */
export function createMetrics(): Metrics {
  const families: (() => string)[] = [];
  const read: Metrics["read"] = (kind, name, help, labelNames, samples) => {
    families.push(() =>
      [
        `# HELP ${name} ${help}`,
        `# TYPE ${name} ${kind}`,
        ...samples().map(({ labels, value }) =>
          `${name}${formatLabels(labelNames, labels)} ${formatValue(value)}`
        ),
      ].join("\n")
    );
  };
  const kept = (kind: "counter" | "gauge"): Metrics["counter"] =>
  (
    name,
    help,
    labelNames,
  ) => {
    const samples = new Map<string, { labels: Labels; value: number }>();
    read(kind, name, help, labelNames, () => [...samples.values()]);
    return {
      add: (labels, by = 1) => {
        const key = labels.join("\0");
        const sample = samples.get(key);
        if (sample === undefined) samples.set(key, { labels, value: by });
        else sample.value += by;
      },
    };
  };
  const histogram: Metrics["histogram"] = (name, help, bounds) => {
    const counts = bounds.map(() => 0);
    let count = 0;
    let sum = 0;
    families.push(() => {
      let below = 0;
      return [
        `# HELP ${name} ${help}`,
        `# TYPE ${name} histogram`,
        ...bounds.map((bound, at) =>
          `${name}_bucket{le="${bound}"} ${below += counts[at] ?? 0}`
        ),
        `${name}_bucket{le="+Inf"} ${count}`,
        `${name}_sum ${sum}`,
        `${name}_count ${count}`,
      ].join("\n");
    });
    return {
      add: (amount) => {
        const at = bounds.findIndex((bound) => amount <= bound);
        if (at >= 0) counts[at] = (counts[at] ?? 0) + 1;
        count++;
        sum += amount;
      },
    };
  };
  return {
    counter: kept("counter"),
    upDown: kept("gauge"),
    read,
    histogram,
    render: () => families.map((family) => `${family()}\n`).join(""),
  };
}

function formatLabels(names: readonly string[], values: Labels): string {
  if (names.length === 0) return "";
  const pairs = names.map((name, index) =>
    `${name}="${escape(values[index] ?? "")}"`
  );
  return `{${pairs.join(",")}}`;
}

/** Go's spelling, which the text format takes. */
function formatValue(value: number): string {
  return value === Infinity ? "+Inf" : String(value);
}

/** As the text format asks: backslash, double quote and line feed. */
function escape(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"')
    .replaceAll("\n", "\\n");
}
