/** First delay; Linkerd's (facts 7.4). */
const MIN_MS = 100;
/**
 * Longest delay. Linkerd's is 60 s; ours lets the last proxy be back within five seconds of its control plane, with one
 * left to connect and answer.
 */
const MAX_MS = 4_000;

/** Delays that double from 100 ms to 4 s, each shortened at random by up to half, so that proxies do not march in step. */
export interface BackOff {
  next(): number;
  reset(): void;
}

export function createBackOff(random: () => number): BackOff {
  let attempt = 0;
  return {
    next() {
      const base = Math.min(MIN_MS * 2 ** attempt, MAX_MS);
      if (base < MAX_MS) attempt++;
      return base * (1 - random() / 2);
    },
    reset() {
      attempt = 0;
    },
  };
}
