import type { Golden, Latency } from "../../schemas/stats.ts";

/** What a cell shows when there is nothing to show. */
export const NOTHING = "–";

/** A share, cut and never rounded up: 100.00% is all of it. */
export function formatShare(part: number, whole: number): string {
  if (whole <= 0) return NOTHING;
  // Sums over windows are no whole numbers.
  const share = Math.min(1, part / whole + 1e-9);
  return `${(Math.floor(share * 10_000) / 100).toFixed(2)}%`;
}

/** Requests per second over a window. */
export function formatRate(requests: number, windowMs: number): string {
  return perSecond(requests / (windowMs / 1_000));
}

/** A rate with as many digits as say something. */
export function perSecond(rate: number): string {
  return rate.toFixed(rate < 10 ? 2 : rate < 100 ? 1 : 0);
}

export function formatMs(
  latency: Latency | null,
  quantile: keyof Latency,
): string {
  if (latency === null) return NOTHING;
  return formatLatency(latency[quantile]);
}

export function formatLatency(ms: number): string {
  return `${ms < 10 ? ms.toFixed(1) : ms.toFixed(0)} ms`;
}

/** How well requests went, as a class of the style sheet; the figure beside it says the same without colours. */
export function levelOf(
  { success, failure }: Pick<Golden, "success" | "failure">,
): "none" | "good" | "poor" | "bad" {
  const all = success + failure;
  if (all === 0) return "none";
  if (success / all >= 0.99) return "good";
  return success / all >= 0.95 ? "poor" : "bad";
}
