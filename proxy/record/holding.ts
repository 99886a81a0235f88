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

  release(): void {
    for (const series of this.#held ?? []) series.release();
    this.#held = null;
  }
}
