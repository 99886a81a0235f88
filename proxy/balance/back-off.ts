import type { BackOff } from "../../schemas/client-policy.ts";

/** How long to wait after failing `failures + 1` times in a row, in milliseconds; never more than `maxMs`. */
export function waitMsOf(
  { minMs, maxMs, jitter }: BackOff,
  failures: number,
  random: () => number,
): number {
  const baseMs = Math.min(minMs * 2 ** failures, maxMs);
  return Math.min(baseMs * (1 + jitter * random()), maxMs);
}
