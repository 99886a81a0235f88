/** How many of some trials may succeed, each with this probability, for all but one in 10,000 repetitions. */
export interface Interval {
  readonly least: number;
  readonly most: number;
}

/** Of each side; together they are what is outside of 99.99 %. */
const TAIL = 0.0001 / 2;

/** The 99.99 % interval of a binomial distribution, from its exact probabilities. */
export function binomialInterval(
  trials: number,
  probability: number,
): Interval {
  const least = quantile(trials, probability);
  return { least, most: trials - quantile(trials, 1 - probability) };
}

/** The first count below which, and at which, there is more than the tail. */
function quantile(trials: number, probability: number): number {
  if (probability === 0) return 0;
  if (probability === 1) return trials;
  const odds = Math.log(probability) - Math.log1p(-probability);
  // In logarithms: 0.9^10,000 is not a number that a double can hold.
  let logTerm = trials * Math.log1p(-probability);
  let below = 0;
  for (let count = 0;; count++) {
    below += Math.exp(logTerm);
    if (below > TAIL) return count;
    logTerm += Math.log((trials - count) / (count + 1)) + odds;
  }
}
