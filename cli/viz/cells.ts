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

/**
 * A text that came over the network, as it may be shown on a terminal: control characters, and marks that change the
 * direction of writing, become visible, and what is far too long is cut.
 */
export function harmless(text: string): string {
  const cut = text.length > MAX_CHARS ? `${text.slice(0, MAX_CHARS)}…` : text;
  return cut.replaceAll(
    // deno-lint-ignore no-control-regex -- they are what is looked for
    /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
    (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Kubernetes' longest names, and room for what is before them. */
const MAX_CHARS = 300;
