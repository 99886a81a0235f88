import type { BackOff } from "../../schemas/client-policy.ts";

/** How long to wait after failing again, and `failures` times before, in milliseconds; never more than `maxMs`. */
export function waitMsOf(
  { minMs, maxMs, jitter }: BackOff,
  failures: number,
  random: () => number,
): number {
  // 2^32 ms are 50 days; unbounded, the factor would become Infinity, and with a minimum of 0 the wait not a number.
  const baseMs = Math.min(minMs * 2 ** Math.min(failures, 32), maxMs);
  return Math.min(baseMs * (1 + jitter * random()), maxMs);
}
