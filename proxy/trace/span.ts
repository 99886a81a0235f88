/** Which side of the proxy a request passes. */
export type Side = "inbound" | "outbound";

/** The value of an attribute. */
export type Value = string | number;
export type Attributes = readonly (readonly [name: string, value: Value])[];

/** What one hop did with a request, once it is over. */
export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string;
  /** For a request that came, and for one that was sent. */
  readonly kind: "server" | "client";
  readonly name: string;
  /** Milliseconds since 1970, with fractions. */
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Attributes;
  readonly failed: boolean;
}

/** A span under way. */
export type OpenSpan = Omit<Span, "endMs" | "failed">;

/** The first status that is an error: on the side that answers, faults of the client are none (OpenTelemetry, HTTP spans). */
const FAILS_FROM = { server: 500, client: 400 } as const;

/** The span at its end; `status` is 0 when there was no response. */
export function endSpan(
  open: OpenSpan,
  status: number,
  complete: boolean,
  endMs: number,
): Span {
  const attributes = status === 0 ? open.attributes : [
    ...open.attributes,
    ["http.response.status_code", status] as const,
  ];
  const failed = status === 0 || !complete || status >= FAILS_FROM[open.kind];
  return { ...open, attributes, endMs, failed };
}
