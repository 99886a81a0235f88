import { Field, Name } from "../http/field.ts";
import { isId, type Propagation } from "./context.ts";
import { onlyField, replaceField } from "./only-field.ts";

const TRACEPARENT = Name.of("traceparent");
/** Of version 00, all that there is (W3C Trace Context 3.2.2): version, trace, span, flags. */
const FORM = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const SPAN_AT = 36;
const SAMPLED = 0x01;

/** `traceparent`; `tracestate` is left alone. */
export const w3c: Propagation = {
  read(fields) {
    const text = onlyField(fields, TRACEPARENT)?.text ?? "";
    const [, traceId = "", spanId = "", flags = ""] = FORM.exec(text) ?? [];
    if (!isId(traceId, 32) || !isId(spanId, 16)) return null;
    const sampled = (Number.parseInt(flags, 16) & SAMPLED) !== 0;
    return { traceId, spanId, sampled, propagation: w3c };
  },
  write(fields, spanId) {
    replaceField(fields, TRACEPARENT, ({ value }) => {
      const changed = value.slice();
      for (let at = 0; at < spanId.length; at++) {
        changed[SPAN_AT + at] = spanId.charCodeAt(at);
      }
      return new Field(TRACEPARENT, changed);
    });
  },
};
