import type { Registry } from "../record.ts";
import type { DropReason, ExportRecorder } from "../trace/exporter.ts";
import type { Family } from "./family.ts";
import { formatLabels } from "./labels.ts";
import type { Series } from "./series.ts";

/** What the export of spans counts; the first three under Linkerd's names, without labels. */
export interface TraceFamilies {
  readonly streams: Family<Series>;
  readonly requests: Family<Series>;
  readonly exports: Family<Series>;
  /** Labels by `dropLabels`. */
  readonly dropped: Family<Series>;
}

/** Declares them. */
export function traceFamilies(registry: Registry): TraceFamilies {
  return {
    streams: registry.counter(
      "opentelemetry_span_export_streams",
      "Connections opened to the trace collector",
    ),
    requests: registry.counter(
      "opentelemetry_span_export_requests",
      "Requests sent to the trace collector",
    ),
    exports: registry.counter(
      "opentelemetry_span_exports",
      "Spans that the trace collector has taken",
    ),
    dropped: registry.counter(
      "proxy_trace_spans_dropped_total",
      "Spans that did not get to the trace collector",
    ),
  };
}

/** Why spans were dropped. */
export function dropLabels(reason: DropReason): string {
  return formatLabels([["reason", reason]]);
}

/** Counts what becomes of spans; all figures are there from the start. */
export function recordExports(
  families: TraceFamilies,
): ExportRecorder & { connected(): void } {
  const streams = families.streams.with("");
  const requests = families.requests.with("");
  const exports = families.exports.with("");
  return {
    connected: () => void (streams.value += 1),
    requested: () => void (requests.value += 1),
    exported: (spans) => void (exports.value += spans),
    dropped(spans, reason) {
      const series = families.dropped.with(dropLabels(reason));
      series.value += spans;
      series.release();
    },
  };
}
