import type { Penalty } from "../../schemas/client-policy.ts";
import { Name } from "../http/field.ts";
import { findField } from "../http/fields.ts";
import type { Outcome } from "./outcome.ts";
import type { PeakEwma } from "./peak-ewma.ts";
import { retryAfterMs } from "./retry-after.ts";

const GRPC_STATUS = Name.of("grpc-status");

const FIRST_FAILING = 500;
/** gRPC: UNKNOWN, DEADLINE_EXCEEDED, INTERNAL, DATA_LOSS. */
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
  outcome: Outcome,
  nowUnixMs: number,
): number | null {
  const { status, head } = outcome;
  if (head === null) return null;
  const hintMs = retryAfterMs(outcome, nowUnixMs);
  if (hintMs !== null) {
    return Math.max(penaltyMs, Math.min(hintMs, maxRetryAfterMs));
  }
  if (status >= FIRST_FAILING) return penaltyMs;
  const code = findField(head.fields, GRPC_STATUS)?.text ?? "";
  return FAILING_CODES.has(code) ? penaltyMs : null;
}
