import { Writer } from "../wire/writer.ts";
import {
  type Encoding,
  FAILED,
  FLAGS,
  KINDS,
  nanosOf,
  SCOPE,
} from "./encoding.ts";
import type { Attributes, Span } from "./span.ts";

/** OTLP as protobuf (opentelemetry/proto/trace/v1/trace.proto). */
export const protobuf: Encoding = {
  span: (span) => writeSpan(span).finish(),
  request: (resource, spans) =>
    embed(REQUEST.resourceSpans, [
      new Writer().message(
        RESOURCE_SPANS.resource,
        (inner) => writeAttributes(inner, RESOURCE.attributes, resource),
      ).finish(),
      embed(RESOURCE_SPANS.scopeSpans, [
        new Writer().message(
          SCOPE_SPANS.scope,
          (inner) => void inner.string(1, SCOPE),
        ).finish(),
        ...spans.map((span) => embed(SCOPE_SPANS.spans, [span])),
      ]),
    ]),
};

/** Numbers of fields. */
const REQUEST = { resourceSpans: 1 } as const;
const RESOURCE_SPANS = { resource: 1, scopeSpans: 2 } as const;
const RESOURCE = { attributes: 1 } as const;
const SCOPE_SPANS = { scope: 1, spans: 2 } as const;
const SPAN = {
  traceId: 1,
  spanId: 2,
  parentSpanId: 4,
  name: 5,
  kind: 6,
  startTimeUnixNano: 7,
  endTimeUnixNano: 8,
  attributes: 9,
  status: 15,
  flags: 16,
} as const;
const STATUS = { code: 3 } as const;
const KEY_VALUE = { key: 1, value: 2 } as const;
const ANY_VALUE = { string: 1, int: 3 } as const;

/** Length-delimited, for messages that are bytes already: spans are not copied one by one. */
function embed(
  field: number,
  parts: readonly Uint8Array[],
): Uint8Array<ArrayBuffer> {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const head = [(field << 3) | 2];
  let rest = length;
  while (rest > 0x7f) {
    head.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  const message = new Uint8Array(head.length + 1 + length);
  message.set([...head, rest]);
  let at = head.length + 1;
  for (const part of parts) {
    message.set(part, at);
    at += part.length;
  }
  return message;
}

function writeSpan(span: Span): Writer {
  const writer = new Writer()
    .blob(SPAN.traceId, Buffer.from(span.traceId, "hex"))
    .blob(SPAN.spanId, Buffer.from(span.spanId, "hex"))
    .blob(SPAN.parentSpanId, Buffer.from(span.parentId, "hex"))
    .string(SPAN.name, span.name)
    .uint32(SPAN.kind, KINDS[span.kind])
    .fixed64(SPAN.startTimeUnixNano, nanos(span.startMs))
    .fixed64(SPAN.endTimeUnixNano, nanos(span.endMs));
  writeAttributes(writer, SPAN.attributes, span.attributes);
  if (span.failed) {
    writer.message(
      SPAN.status,
      (status) => void status.uint32(STATUS.code, FAILED),
    );
  }
  return writer.fixed32(SPAN.flags, FLAGS[span.kind]);
}

function writeAttributes(
  writer: Writer,
  field: number,
  attributes: Attributes,
): void {
  for (const [key, value] of attributes) {
    writer.message(field, (pair) => {
      pair.string(KEY_VALUE.key, key).message(KEY_VALUE.value, (any) => {
        if (typeof value === "number") any.uint32(ANY_VALUE.int, value);
        else any.string(ANY_VALUE.string, value);
      });
    });
  }
}

/** Most significant byte first. */
function nanos(ms: number): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(8));
  bytes.setBigUint64(0, BigInt(nanosOf(ms)));
  return new Uint8Array(bytes.buffer);
}
