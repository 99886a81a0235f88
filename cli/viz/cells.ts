import type { Golden, Latency } from "../../schemas/stats.ts";

/** What a cell shows when there is nothing to show. */
export const NOTHING = "-";

/** A share of successes; of nothing, there is none. */
export function success(
  { success, failure }: Pick<Golden, "success" | "failure">,
): string {
  const all = success + failure;
  return all === 0 ? NOTHING : `${((success / all) * 100).toFixed(2)}%`;
}

/** A share of successes from 0 to 1, for JSON. */
export function successRate(
  { success, failure }: Pick<Golden, "success" | "failure">,
): number {
  return success + failure === 0 ? 0 : success / (success + failure);
}

/** Requests per second over a window. */
export function rate(requests: number, windowMs: number): number {
  return requests / (windowMs / 1_000);
}

export function milliseconds(
  latency: Latency | null,
  quantile: keyof Latency,
): string {
  return latency === null ? NOTHING : `${Math.round(latency[quantile])}ms`;
}
