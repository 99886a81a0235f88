import type { Detection } from "../detect.ts";
import type { Registry } from "../record.ts";
import type { Family } from "./family.ts";
import type { Histogram, Series } from "./series.ts";

/** What HTTP detection found, per Server (inbound) or parent (outbound). */
export interface DetectFamilies {
  readonly seconds: Family<Histogram>;
  /** Labels: `detectResult(…)` joined in front of the Server's or parent's. */
  readonly results: Family<Series>;
}

export type DetectResult =
  | "not_http"
  | "http/1"
  | "http/2"
  | "read_timeout"
  | "error";

/** Declares `<direction>_tcp_detect_http_*`. */
export function detectFamilies(
  registry: Registry,
  direction: "inbound" | "outbound",
): DetectFamilies {
  const prefix = `${direction}_tcp_detect_http`;
  return {
    seconds: registry.histogram(
      `${prefix}_duration_seconds`,
      "Time until a connection's protocol was known",
      [0.001, 0.1],
    ),
    results: registry.counter(
      `${prefix}_results_total`,
      "What detection found on connections",
    ),
  };
}

/** How detection is called in `*_tcp_detect_http_results_total`. */
export function resultOf(detection: Detection): DetectResult {
  switch (detection.kind) {
    case "timeout":
      return "read_timeout";
    case "gone":
      return "error";
    case "detected":
      return detection.protocol === "opaque"
        ? "not_http"
        : detection.protocol === "http1"
        ? "http/1"
        : "http/2";
  }
}

/** The label of one result. */
export function detectResult(result: DetectResult): string {
  return `result="${result}"`;
}
