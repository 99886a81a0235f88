import { Field, Name } from "../http/field.ts";
import { isId, type Propagation } from "./context.ts";
import { onlyField, replaceField } from "./only-field.ts";

const GRPC_TRACE_BIN = Name.of("grpc-trace-bin");

/** Version 0 of OpenCensus' form: each part behind a byte that says which it is; flags may be missing. */
const VERSION = 0;
const TRACE_PART = { tag: 0, at: 1, end: 18 } as const;
const SPAN_PART = { tag: 1, at: 18, end: 27 } as const;
const FLAGS_PART = { tag: 2, at: 27, end: 29 } as const;
const SAMPLED = 0x01;
/** Base64 of 27 or 29 bytes, with padding or without: more is no context. */
const MAX_CHARS = 40;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** `grpc-trace-bin`, as OpenCensus' gRPC libraries send it. */
export const grpcTraceBin: Propagation = {
  read(fields) {
    const bytes = parse(onlyField(fields, GRPC_TRACE_BIN)?.text ?? "");
    if (bytes === null) return null;
    const traceId = hex(bytes, TRACE_PART);
    const spanId = hex(bytes, SPAN_PART);
    if (!isId(traceId, 32) || !isId(spanId, 16)) return null;
    const flags = bytes[FLAGS_PART.at + 1] ?? 0;
    const sampled = (flags & SAMPLED) !== 0;
    return { traceId, spanId, sampled, propagation: grpcTraceBin };
  },
  write(fields, spanId) {
    replaceField(fields, GRPC_TRACE_BIN, (field) => {
      const bytes = parse(field.text);
      if (bytes === null) return field;
      bytes.write(spanId, SPAN_PART.at + 1, "hex");
      // gRPC sends no padding (PROTOCOL-HTTP2, binary metadata).
      const value = bytes.toString("base64").replace(/=+$/, "");
      return Field.of("grpc-trace-bin", value);
    });
  },
};

function parse(text: string): Buffer | null {
  if (text.length > MAX_CHARS || !BASE64.test(text)) return null;
  const bytes = Buffer.from(text, "base64");
  const isWhole = bytes.length === FLAGS_PART.end &&
    bytes[FLAGS_PART.at] === FLAGS_PART.tag;
  return bytes[0] === VERSION &&
      bytes[TRACE_PART.at] === TRACE_PART.tag &&
      bytes[SPAN_PART.at] === SPAN_PART.tag &&
      (isWhole || bytes.length === SPAN_PART.end)
    ? bytes
    : null;
}

/** A part without the byte before it. */
function hex(
  bytes: Buffer,
  { at, end }: { readonly at: number; readonly end: number },
): string {
  return bytes.toString("hex", at + 1, end);
}
