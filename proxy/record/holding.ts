/** What a family gives out and takes back: a series or a histogram. */
interface Held {
  release(): void;
}

/**
 * The series that one user holds, given back together. Some users come late: an exchange is told after its connection
 * that both are over. What such a user takes is given back at once, and counts all the same.
 */
export class Holding {
  #held: Held[] | null = [];

  /** Holds a series just taken from its family, and returns it. */
  keep<S extends Held>(series: S): S {
    if (this.#held === null) series.release();
    else this.#held.push(series);
    return series;
  }

  /** Series of one family by a short key, each taken when it is first asked for, so that no text is made again. */
  by<K, S extends Held>(
    family: { with(labels: string): S },
    labelsOf: (key: K) => string,
  ): (key: K) => S {
    const known = new Map<K, S>();
    return (key) => {
      let series = known.get(key);
      if (series === undefined) {
        series = this.keep(family.with(labelsOf(key)));
        known.set(key, series);
      }
      return series;
    };
  }

  release(): void {
    for (const series of this.#held ?? []) series.release();
    this.#held = null;
  }
}
