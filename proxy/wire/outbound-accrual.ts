import type { BackOff, FailureAccrual } from "../../schemas/client-policy.ts";
import { type Notices, readDuration } from "./common.ts";
import type { Reader } from "./reader.ts";

/** What controllers send when nobody says otherwise (facts 3.8). */
const DEFAULT_BACK_OFF: BackOff = { minMs: 1_000, maxMs: 60_000, jitter: 0.5 };
const DEFAULT_WINDOW_MS = 10_000;
/** Bounds of the facts 4.9 and 3.8. */
const MIN_WINDOW_MS = 10;
const MAX_MIN_REQUESTS = 1_000_000;
const MAX_JITTER = 100;

/** A `FailureAccrual`; null, and a notice, when it says nothing that could leave an endpoint out. */
export function readAccrual(
  reader: Reader,
  notices: Notices,
): FailureAccrual | null {
  let accrual: FailureAccrual | null = null;
  while (reader.next()) {
    if (reader.field === 1) accrual = reader.message(readConsecutive);
    else if (reader.field === 2) accrual = reader.message(readUnified);
    else reader.skip(); // 3: how many endpoints to keep, which no proxy heeds (facts 4.9).
  }
  if (accrual === null) {
    notices.add("no circuit breaking: it is of a kind not known here, or off");
  }
  return accrual;
}

function readConsecutive(reader: Reader): FailureAccrual | null {
  let maxFailures = 0;
  let backOff = DEFAULT_BACK_OFF;
  while (reader.next()) {
    if (reader.field === 1) maxFailures = reader.uint32();
    else if (reader.field === 2) backOff = reader.message(readEjection).backOff;
    else reader.skip();
  }
  return maxFailures === 0
    ? null
    : { kind: "consecutive", maxFailures, backOff };
}

function readUnified(reader: Reader): FailureAccrual | null {
  let successRate = 0;
  let windowMs = DEFAULT_WINDOW_MS;
  let minRequests = 0;
  let maxFailures = 0;
  let ejection: ReadBackOff<BackOff> = {
    backOff: DEFAULT_BACK_OFF,
    heedsRetryAfter: false,
  };
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        successRate = between(0, reader.double(), 1);
        break;
      case 2:
        windowMs = reader.message(readDuration) || DEFAULT_WINDOW_MS;
        break;
      case 3:
        minRequests = Math.min(reader.uint32(), MAX_MIN_REQUESTS);
        break;
      case 4:
        maxFailures = reader.uint32();
        break;
      case 5:
        ejection = reader.message(readEjection);
        break;
      default:
        reader.skip();
    }
  }
  return maxFailures === 0 && successRate === 0 ? null : {
    kind: "unified",
    maxFailures,
    successRate,
    windowMs: Math.max(windowMs, MIN_WINDOW_MS),
    minRequests,
    ...ejection,
  };
}

interface ReadBackOff<B> {
  readonly backOff: B;
  readonly heedsRetryAfter: boolean;
}

/** That of an endpoint that is left out, which must take some time. */
function readEjection(reader: Reader): ReadBackOff<BackOff> {
  const { backOff, heedsRetryAfter } = readBackOff(reader);
  return { backOff: backOff ?? DEFAULT_BACK_OFF, heedsRetryAfter };
}

/** An `ExponentialBackoff`; null when it takes no time. The longest is at least the shortest. */
export function readBackOff(reader: Reader): ReadBackOff<BackOff | null> {
  let minMs = 0;
  let maxMs = 0;
  let jitter = 0;
  let heedsRetryAfter = false;
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        minMs = reader.message(readDuration);
        break;
      case 2:
        maxMs = reader.message(readDuration);
        break;
      case 3:
        jitter = between(0, reader.float(), MAX_JITTER);
        break;
      case 4:
        heedsRetryAfter = reader.bool();
        break;
      default:
        reader.skip();
    }
  }
  const backOff = { minMs, maxMs: Math.max(minMs, maxMs), jitter };
  return { backOff: backOff.maxMs === 0 ? null : backOff, heedsRetryAfter };
}

/** What is no number counts as the least. */
function between(least: number, value: number, most: number): number {
  return value > least ? Math.min(value, most) : least;
}
