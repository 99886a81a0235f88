import type { Penalty } from "../../schemas/client-policy.ts";
import { type Field, Name } from "../http/field.ts";
import { findField } from "../http/fields.ts";
import { parseHttpDate } from "./http-date.ts";
import type { Outcome } from "./outcome.ts";
import type { PeakEwma } from "./peak-ewma.ts";

const RETRY_AFTER = Name.of("retry-after");
const PUSHBACK = Name.of("grpc-retry-pushback-ms");
const GRPC_STATUS = Name.of("grpc-status");

/** HTTP: 429 and 503 may say when to come again. */
const TOO_MANY = 429;
const UNAVAILABLE = 503;
const FIRST_FAILING = 500;
/** gRPC: RESOURCE_EXHAUSTED and UNAVAILABLE may say when to come again; UNKNOWN, DEADLINE_EXCEEDED, INTERNAL, DATA_LOSS. */
const HINTING_CODES: ReadonlySet<string> = new Set(["8", "14"]);
const FAILING_CODES: ReadonlySet<string> = new Set(["2", "4", "13", "15"]);

/**
 * Counts a failed response as slower than it was, where policy wants that (facts 4.8): failing fast must not look like
 * being fast. True: done, and the time it took is not to be sampled.
 */
export function penalise(load: PeakEwma, outcome: Outcome): boolean {
  if (load.penalty === null) return false;
  const penaltyMs = penaltyOf(load.penalty, outcome, Date.now());
  if (penaltyMs === null) return false;
  load.punish(penaltyMs, performance.now());
  return true;
}

/** The round trip, in milliseconds, that a response counts as; null: what it took. Of gRPC only responses without messages are looked at. */
export function penaltyOf(
  { penaltyMs, maxRetryAfterMs }: Penalty,
  { status, head }: Outcome,
  nowUnixMs: number,
): number | null {
  if (head === null) return null;
  const hinted = (hintMs: number) =>
    Math.max(penaltyMs, Math.min(hintMs, maxRetryAfterMs));
  if (status === TOO_MANY || status === UNAVAILABLE) {
    return hinted(retryAfterMs(head.fields, nowUnixMs));
  }
  if (status >= FIRST_FAILING) return penaltyMs;
  const code = findField(head.fields, GRPC_STATUS)?.text ?? "";
  if (HINTING_CODES.has(code)) return hinted(pushbackMs(head.fields));
  return FAILING_CODES.has(code) ? penaltyMs : null;
}

/** `retry-after`: seconds or a date (RFC 9110 10.2.3); 0 without one, or when it is past. */
function retryAfterMs(fields: readonly Field[], nowUnixMs: number): number {
  const text = findField(fields, RETRY_AFTER)?.text ?? "";
  if (/^\d+$/.test(text)) return Number(text) * 1_000;
  return Math.max(0, (parseHttpDate(text, nowUnixMs) ?? 0) - nowUnixMs);
}

/** `grpc-retry-pushback-ms`; 0 without one. A negative one asks not to try again, which says nothing of when. */
function pushbackMs(fields: readonly Field[]): number {
  const text = findField(fields, PUSHBACK)?.text ?? "";
  return /^\d+$/.test(text) ? Number(text) : 0;
}
