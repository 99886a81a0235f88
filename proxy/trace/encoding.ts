import type { Attributes, Span } from "./span.ts";

/** One of the two forms in which spans travel (OTLP 1.9). */
export interface Encoding {
  /** A span as it stands in a request. */
  span(span: Span): Uint8Array;
  /** An ExportTraceServiceRequest; `resource` says whose spans they are. */
  request(
    resource: Attributes,
    spans: readonly Uint8Array[],
  ): Uint8Array<ArrayBuffer>;
}

/** What made the spans: OpenTelemetry's "instrumentation scope". */
export const SCOPE = "linkerd-proxy";

/** `Span.SpanKind`. */
export const KINDS: Readonly<Record<Span["kind"], number>> = {
  server: 2,
  client: 3,
};

/** `Status.StatusCode`: an error; anything else is not said. */
export const FAILED = 2;

/** The low byte says that the trace is sampled, bit 8 that bit 9 tells whether a parent is elsewhere (`SpanFlags`). */
export const FLAGS: Readonly<Record<Span["kind"], number>> = {
  server: 0x301,
  client: 0x101,
};

/** Digits of the nanoseconds since 1970; of fractions of a millisecond, the thousandths count. */
export function nanosOf(ms: number): string {
  return `${Math.round(ms * 1_000)}000`;
}
