import { Writer } from "../wire/writer.ts";
import {
  type Encoding,
  FAILED,
  FLAGS,
  KINDS,
  nanosOf,
  SCOPE,
} from "./encoding.ts";
import { keyValue } from "./key-value.ts";
import type { Attributes, Span } from "./span.ts";

/** OTLP as protobuf (opentelemetry/proto/trace/v1/trace.proto). */
export const protobuf: Encoding = {
  span: writeSpan,
  request: (resource, spans) =>
    embed(REQUEST.resourceSpans, [
      embed(RESOURCE_SPANS.resource, attributes(RESOURCE.attributes, resource)),
      embed(RESOURCE_SPANS.scopeSpans, [
        embed(SCOPE_SPANS.scope, [
          new Writer().string(SCOPE_FIELDS.name, SCOPE).finish(),
        ]),
        ...spans.map((span) => embed(SCOPE_SPANS.spans, [span])),
      ]),
    ]),
};

/** Numbers of fields. */
const REQUEST = { resourceSpans: 1 } as const;
const RESOURCE_SPANS = { resource: 1, scopeSpans: 2 } as const;
const RESOURCE = { attributes: 1 } as const;
const SCOPE_SPANS = { scope: 1, spans: 2 } as const;
const SCOPE_FIELDS = { name: 1 } as const;
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

function writeSpan(span: Span): Uint8Array {
  const before = new Writer()
    .blob(SPAN.traceId, Buffer.from(span.traceId, "hex"))
    .blob(SPAN.spanId, Buffer.from(span.spanId, "hex"))
    .blob(SPAN.parentSpanId, Buffer.from(span.parentId, "hex"))
    .string(SPAN.name, span.name)
    .uint32(SPAN.kind, KINDS[span.kind])
    .fixed64(SPAN.startTimeUnixNano, nanos(span.startMs))
    .fixed64(SPAN.endTimeUnixNano, nanos(span.endMs))
    .fixed32(SPAN.flags, FLAGS[span.kind]);
  if (span.failed) {
    before.message(
      SPAN.status,
      (status) => void status.uint32(STATUS.code, FAILED),
    );
  }
  // The order of fields is free.
  return Buffer.concat([
    before.finish(),
    ...attributes(SPAN.attributes, span.attributes),
  ]);
}

function attributes(field: number, all: Attributes): Uint8Array[] {
  return all.map(([key, value]) => keyValue(field, key, value));
}

/** Length-delimited, for parts of a message that are bytes already. */
function embed(
  field: number,
  parts: readonly Uint8Array[],
): Uint8Array<ArrayBuffer> {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const head = [(field << 3) | 2];
  let rest = length;
  for (; rest > 0x7f; rest >>>= 7) head.push((rest & 0x7f) | 0x80);
  head.push(rest);
  const message = new Uint8Array(head.length + length);
  message.set(head);
  let at = head.length;
  for (const part of parts) {
    message.set(part, at);
    at += part.length;
  }
  return message;
}

/** Most significant byte first. */
function nanos(ms: number): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(8));
  bytes.setBigUint64(0, BigInt(nanosOf(ms)));
  return new Uint8Array(bytes.buffer);
}
