import { Field, Name } from "../http/field.ts";
import { isId, type Propagation, type TraceContext } from "./context.ts";
import { onlyField, replaceField } from "./only-field.ts";

const TRACE_ID = Name.of("x-b3-traceid");
const SPAN_ID = Name.of("x-b3-spanid");
const PARENT_ID = Name.of("x-b3-parentspanid");
const SAMPLED = Name.of("x-b3-sampled");
const FLAGS = Name.of("x-b3-flags");
const SINGLE = Name.of("b3");

/** Zipkin's fields, one for each part. */
export const b3: Propagation = {
  read(fields) {
    const traceId = onlyField(fields, TRACE_ID)?.text ?? "";
    const spanId = onlyField(fields, SPAN_ID)?.text ?? "";
    const sampled = onlyField(fields, SAMPLED)?.text ?? "";
    const isDebug = onlyField(fields, FLAGS)?.text === "1";
    return contextOf(traceId, spanId, isDebug ? "d" : sampled, b3);
  },
  write(fields, spanId, parentId) {
    replaceField(fields, SPAN_ID, () => Field.of(SPAN_ID.text, spanId));
    // A span and somebody else's parent would be a contradiction: applications may go on under the same id.
    replaceField(fields, PARENT_ID, () => Field.of(PARENT_ID.text, parentId));
  },
};

/** `b3`: trace, span, and perhaps whether it is sampled and the span's parent, joined by dashes. */
export const b3Single: Propagation = {
  read(fields) {
    const parts = (onlyField(fields, SINGLE)?.text ?? "").split("-");
    const [traceId = "", spanId = "", sampled = ""] = parts;
    if (parts.length > 4) return null;
    return contextOf(traceId, spanId, sampled, b3Single);
  },
  write(fields, spanId, parentId) {
    replaceField(fields, SINGLE, ({ text }) => {
      const [traceId = "", , sampled, parent] = text.split("-");
      const parts = [
        ...[traceId, spanId],
        ...(sampled === undefined ? [] : [sampled]),
        ...(parent === undefined ? [] : [parentId]),
      ];
      return Field.of(SINGLE.text, parts.join("-"));
    });
  },
};

/** Accept (`1`, formerly `true`) and debug. */
const WORDS_FOR_SAMPLED: readonly string[] = ["1", "d", "true"];

function contextOf(
  traceId: string,
  spanId: string,
  sampled: string,
  propagation: Propagation,
): TraceContext | null {
  // Zipkin's older ids have 64 bits.
  const wide = traceId.toLowerCase().padStart(32, "0");
  const isWidth = traceId.length === 16 || traceId.length === 32;
  const lower = spanId.toLowerCase();
  if (!isWidth || !isId(wide, 32) || !isId(lower, 16)) return null;
  return {
    traceId: wide,
    spanId: lower,
    sampled: WORDS_FOR_SAMPLED.includes(sampled),
    propagation,
  };
}
