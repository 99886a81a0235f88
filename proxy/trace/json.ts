import {
  type Encoding,
  FAILED,
  FLAGS,
  KINDS,
  nanosOf,
  SCOPE,
} from "./encoding.ts";
import type { Attributes, Span } from "./span.ts";

/** OTLP/JSON: ids in hex, 64-bit numbers as text, enums as numbers (OTLP 1.9, "JSON Protobuf Encoding"). */
export const json: Encoding = {
  span: (span) => Buffer.from(JSON.stringify(spanOf(span))),
  request(resource, spans) {
    const whose = JSON.stringify({ attributes: attributesOf(resource) });
    const scope = JSON.stringify({ name: SCOPE });
    // By hand, for the spans are texts already.
    const parts: Uint8Array[] = [
      Buffer.from(
        `{"resourceSpans":[{"resource":${whose},"scopeSpans":[{"scope":${scope},"spans":[`,
      ),
    ];
    for (const [at, span] of spans.entries()) {
      if (at > 0) parts.push(COMMA);
      parts.push(span);
    }
    parts.push(END);
    return Uint8Array.from(Buffer.concat(parts));
  },
};

const COMMA = Buffer.from(",");
const END = Buffer.from("]}]}]}");

function spanOf(span: Span): unknown {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentId,
    flags: FLAGS[span.kind],
    name: span.name,
    kind: KINDS[span.kind],
    startTimeUnixNano: nanosOf(span.startMs),
    endTimeUnixNano: nanosOf(span.endMs),
    attributes: attributesOf(span.attributes),
    status: span.failed ? { code: FAILED } : {},
  };
}

function attributesOf(attributes: Attributes): unknown[] {
  return attributes.map(([key, value]) => ({
    key,
    value: typeof value === "number"
      ? { intValue: String(value) }
      : { stringValue: value },
  }));
}
