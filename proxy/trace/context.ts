import type { Field } from "../http/field.ts";

/** What a request's fields say of the trace it belongs to. */
export interface TraceContext {
  /** 32 digits of lower-case hex. */
  readonly traceId: string;
  /** The span that the request comes from: 16 digits of lower-case hex. */
  readonly spanId: string;
  readonly sampled: boolean;
  readonly propagation: Propagation;
}

/** One way to carry the context of a trace in fields. */
export interface Propagation {
  /** Null when there is none, or none that can be understood: it is then nobody's to touch. */
  read(fields: readonly Field[]): TraceContext | null;
  /** Puts `spanId` in the place of the one that `read` found, whose child it is. Doing so again replaces it. */
  write(fields: Field[], spanId: string, parentId: string): void;
}

const HEX = /^[0-9a-f]+$/;
const ZEROS = /^0+$/;

/** Whether text is an id of so many lower-case digits; zeros alone are none (W3C Trace Context 3.2.2). */
export function isId(text: string, digits: number): boolean {
  return text.length === digits && HEX.test(text) && !ZEROS.test(text);
}

/** A new span's id. Ids need to differ, not to be unpredictable. */
export function newSpanId(random: () => number): string {
  const id = half(random()) + half(random());
  return ZEROS.test(id) ? "0000000000000001" : id;
}

function half(share: number): string {
  return Math.floor(share * 2 ** 32).toString(16).padStart(8, "0");
}
