import { formatLabels } from "./labels.ts";
import type { Histogram, Series } from "./series.ts";

/** How one kind of metric is made and printed. */
export interface Kind<S> {
  readonly type: "counter" | "gauge" | "histogram";
  create(labels: string): S;
  /** The lines of one series. */
  print(name: string, series: S): string;
}

/** All series of one metric name. A class, because a proxy has more than a hundred: 45 kB less than closures. */
export class Family<S extends Series | Histogram = Series | Histogram> {
  readonly name: string;
  readonly #help: string;
  readonly #kind: Kind<S>;
  readonly #seriesMax: number;
  /** The counter of what finds no room, held from the first time on. */
  readonly #counter: (name: string) => Series;
  #overflows: Series | null = null;
  #series: Map<string, S> | null = null;
  #grown: ((labels: string, by: number) => void) | null = null;

  constructor(
    name: string,
    help: string,
    kind: Kind<S>,
    seriesMax: number,
    counter: (name: string) => Series,
  ) {
    this.name = name;
    this.#help = help;
    this.#kind = kind;
    this.#seriesMax = seriesMax;
    this.#counter = counter;
  }

  /**
   * The series with these labels (text made by `formatLabels` and its friends), held by the caller until it calls
   * `release`. Look it up once per connection or endpoint and keep it. Past the limit of the family all new label
   * sets share one series, `overflow="true"`.
   */
  with(labels: string): S {
    const all = this.#series ??= new Map<string, S>();
    let series = all.get(labels);
    if (series === undefined && all.size >= this.#seriesMax) {
      this.overflow();
      labels = OVERFLOW;
      series = all.get(OVERFLOW);
    }
    if (series === undefined) {
      series = this.#kind.create(labels);
      all.set(labels, series);
    }
    series.holders += 1;
    return series;
  }

  /** Counts that something found no room here: a label set, or a name that is told apart no more. */
  overflow(): void {
    (this.#overflows ??= this.#counter(this.name)).value += 1;
  }

  /** Has `call` hear, whenever the family is swept, by how much each of its series has grown since then. */
  whenGrown(call: (labels: string, by: number) => void): void {
    this.#grown = call;
  }

  /** Drops series that nobody holds and that have not changed for `retainIdleMs`. */
  sweep(nowMs: number, retainIdleMs: number): void {
    for (const [labels, series] of this.#series ?? []) {
      if (series.value !== series.swept) {
        this.#grown?.(labels, series.value - (series.swept || 0));
        series.swept = series.value;
        series.changedAtMs = nowMs;
      } else if (
        series.holders === 0 && nowMs - series.changedAtMs >= retainIdleMs
      ) this.#series?.delete(labels);
    }
  }

  /** The family's part of the page in pieces of about `PIECE_MAX`; nothing while it has no series. */
  *expose(): Generator<string> {
    if (this.#series === null || this.#series.size === 0) return;
    const { name } = this;
    let text =
      `# HELP ${name} ${this.#help}\n# TYPE ${name} ${this.#kind.type}\n`;
    for (const series of this.#series.values()) {
      text += this.#kind.print(name, series);
      if (text.length > PIECE_MAX) {
        yield text;
        text = "";
      }
    }
    if (text !== "") yield text;
  }
}

/** Characters per piece: printed and compressed in about 0.3 ms, so that traffic waits no longer (decision 31). */
const PIECE_MAX = 65_536;

const OVERFLOW = formatLabels([["overflow", "true"]]);
