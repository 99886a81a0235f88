import type { Tracing } from "../request-trace.ts";
import type { Span } from "../span.ts";

/** Tracing whose spans are kept, and whose ids are 1, 2, 3 and so on. */
export interface KeptSpans extends Tracing {
  readonly spans: Span[];
}

export function keepSpans(): KeptSpans {
  const spans: Span[] = [];
  let halves = 0;
  let nowMs = 1_800_000_000_000;
  return {
    spans,
    ended: (span) => void spans.push(span),
    now: () => nowMs += 1,
    // Of an id every second half is 0.
    random: () => halves++ % 2 === 0 ? 0 : halves / 2 / 2 ** 32,
  };
}

/** The id that `keepSpans` gives as the nth. */
export function nthId(n: number): string {
  return n.toString(16).padStart(16, "0");
}

/** A span, for what does not look into it. */
export const SPAN: Span = {
  traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
  spanId: "00f067aa0ba902b7",
  parentId: "0102030405060708",
  kind: "server",
  name: "/cart",
  startMs: 1_800_000_000_000.125,
  endMs: 1_800_000_000_002,
  attributes: [["direction", "inbound"], ["server.port", 8443], [
    "url.path",
    '/"\n\u00e9',
  ]],
  failed: false,
};
