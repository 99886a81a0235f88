import { fromBinary, fromJson, type JsonValue } from "@bufbuild/protobuf";
import {
  type ExportTraceServiceRequest,
  ExportTraceServiceRequestSchema,
  type KeyValue,
  Span_SpanKind,
  Status_StatusCode,
} from "./proto/gen/otlp_pb.ts";

/** A span as a collector understands it. */
export interface SeenSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string;
  readonly kind: string;
  readonly name: string;
  readonly startNanos: bigint;
  readonly endNanos: bigint;
  readonly failed: boolean;
  readonly flags: number;
  readonly attributes: Attributes;
  /** Of the process that made it. */
  readonly resource: Attributes;
  readonly scope: string;
}

type Attributes = Readonly<Record<string, string | number>>;

/** The spans of a protobuf request; throws for what the schema does not have. */
export function readProtobuf(bytes: Uint8Array): SeenSpan[] {
  const request = fromBinary(ExportTraceServiceRequestSchema, bytes);
  if (JSON.stringify(unknownOf(request)) !== "[]") {
    throw new Error("the request has fields that the schema has not");
  }
  return spansOf(request);
}

/** The spans of a JSON request; throws for what OTLP/JSON does not allow, such as unknown names or enums as text. */
export function readJson(text: string): SeenSpan[] {
  const json = JSON.parse(text, (key, value) => {
    if (ID_NAMES.includes(key)) return base64Of(key, String(value));
    if (key.includes("_")) throw new Error(`"${key}" is not in camel case`);
    if (ENUM_NAMES.includes(key) && typeof value !== "number") {
      throw new Error(`${key} is "${value}", expected a number`);
    }
    return value;
  }) as JsonValue;
  return spansOf(fromJson(ExportTraceServiceRequestSchema, json));
}

const ID_NAMES = ["traceId", "spanId", "parentSpanId"];
const ENUM_NAMES = ["kind", "code"];

/** Ids are in hex, unlike all other bytes of JSON. */
function base64Of(name: string, hex: string): string {
  const digits = name === "traceId" ? 32 : 16;
  if (!/^[0-9a-f]+$/.test(hex) || hex.length !== digits) {
    throw new Error(`${name} is "${hex}", expected ${digits} digits of hex`);
  }
  return Buffer.from(hex, "hex").toString("base64");
}

function spansOf({ resourceSpans }: ExportTraceServiceRequest): SeenSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ scope, spans }) =>
      spans.map((span) => ({
        traceId: hexOf(span.traceId),
        spanId: hexOf(span.spanId),
        parentId: hexOf(span.parentSpanId),
        kind: Span_SpanKind[span.kind] ?? "",
        name: span.name,
        startNanos: span.startTimeUnixNano,
        endNanos: span.endTimeUnixNano,
        failed: span.status?.code === Status_StatusCode.ERROR,
        flags: span.flags,
        attributes: attributesOf(span.attributes),
        resource: attributesOf(resource?.attributes ?? []),
        scope: scope?.name ?? "",
      }))
    )
  );
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

function attributesOf(pairs: readonly KeyValue[]): Attributes {
  return Object.fromEntries(
    pairs.map(({ key, value }) => {
      const found = value?.value.value;
      return [key, typeof found === "bigint" ? Number(found) : String(found)];
    }),
  );
}

/** Fields that a message or one in it has, and the schema has not. */
function unknownOf(message: unknown): unknown[] {
  if (typeof message !== "object" || message === null) return [];
  if (message instanceof Uint8Array) return [];
  return Object.entries(message).flatMap(([name, value]) =>
    name === "$unknown" ? value as unknown[] : unknownOf(value)
  );
}
