const MIN_MS = 200;
const MAX_MS = 15_000;

/** Delays in ms that double from 0.2 to 15 s, each shortened at random by up to half: replicas must not march in step. */
export interface BackOff {
  readonly next: () => number;
  readonly reset: () => void;
}

export function createBackOff(random: () => number): BackOff {
  let baseMs = MIN_MS;
  return {
    next: () => {
      const delayMs = baseMs * (1 - random() / 2);
      baseMs = Math.min(baseMs * 2, MAX_MS);
      return delayMs;
    },
    reset: () => void (baseMs = MIN_MS),
  };
}
