import type { Histogram, Series } from "./series.ts";

/** How bucket bounds are printed: `1` as Linkerd's older families do, or `1.0` (OpenMetrics canonical numbers). */
export type BoundStyle = "integer" | "float";

/** One line of a counter or gauge in Prometheus' text format. */
export function exposeSeries(name: string, series: Series): string {
  const labels = series.labels === "" ? "" : `{${series.labels}}`;
  return `${name}${labels} ${formatNumber(series.value)}\n`;
}

/** The bucket, sum and count lines of a histogram; `bounds` are the printed values of `le`, without +Inf. */
export function exposeHistogram(
  name: string,
  bounds: readonly string[],
  series: Histogram,
): string {
  const prefix = series.labels === "" ? "" : `${series.labels},`;
  const labels = series.labels === "" ? "" : `{${series.labels}}`;
  let text = "";
  let below = 0;
  for (const [at, bound] of bounds.entries()) {
    below += series.counts[at] ?? 0;
    text += `${name}_bucket{${prefix}le="${bound}"} ${below}\n`;
  }
  return text +
    `${name}_bucket{${prefix}le="+Inf"} ${series.value}\n` +
    `${name}_sum${labels} ${formatNumber(series.sum)}\n` +
    `${name}_count${labels} ${series.value}\n`;
}

/** A bucket bound as the value of `le`. */
export function formatBound(bound: number, style: BoundStyle): string {
  return style === "float" && Number.isInteger(bound)
    ? `${bound}.0`
    : String(bound);
}

function formatNumber(value: number): string {
  if (value === Infinity) return "+Inf";
  return value === -Infinity ? "-Inf" : String(value);
}
