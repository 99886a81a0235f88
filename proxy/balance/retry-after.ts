import { type Field, Name } from "../http/field.ts";
import { findField } from "../http/fields.ts";
import { parseHttpDate } from "./http-date.ts";
import type { Outcome } from "./outcome.ts";

const RETRY_AFTER = Name.of("retry-after");
const PUSHBACK = Name.of("grpc-retry-pushback-ms");
const GRPC_STATUS = Name.of("grpc-status");

/** HTTP: 429 and 503 may say when to come again. */
const HINTING_STATUSES: ReadonlySet<number> = new Set([429, 503]);
/** gRPC: RESOURCE_EXHAUSTED and UNAVAILABLE may. */
const HINTING_CODES: ReadonlySet<string> = new Set(["8", "14"]);

/**
 * In how many milliseconds an endpoint that cannot answer now asks to be asked again; 0: it does not say; null: its answer is
 * none that may say it. Of gRPC only responses without messages are looked at.
 */
export function retryAfterMs(
  { status, head }: Outcome,
  nowUnixMs: number,
): number | null {
  if (head === null) return null;
  if (HINTING_STATUSES.has(status)) return delayMs(head.fields, nowUnixMs);
  const code = findField(head.fields, GRPC_STATUS)?.text ?? "";
  return HINTING_CODES.has(code) ? pushbackMs(head.fields) : null;
}

/** `retry-after`: seconds or a date (RFC 9110 10.2.3); 0 without one, or when it is past. */
function delayMs(fields: readonly Field[], nowUnixMs: number): number {
  const text = findField(fields, RETRY_AFTER)?.text ?? "";
  if (/^\d+$/.test(text)) return Number(text) * 1_000;
  return Math.max(0, (parseHttpDate(text, nowUnixMs) ?? 0) - nowUnixMs);
}

/** `grpc-retry-pushback-ms`; 0 without one. A negative one asks not to try again, which says nothing of when. */
function pushbackMs(fields: readonly Field[]): number {
  const text = findField(fields, PUSHBACK)?.text ?? "";
  return /^\d+$/.test(text) ? Number(text) : 0;
}
