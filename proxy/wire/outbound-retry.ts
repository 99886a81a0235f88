import type {
  BackOff,
  Retry,
  StatusRange,
  Timeouts,
} from "../../schemas/client-policy.ts";
import { type Notices, readDuration } from "./common.ts";
import { readBackOff } from "./outbound-accrual.ts";
import type { Reader } from "./reader.ts";

/** Of a rule that names none. */
export const NO_TIMEOUTS: Timeouts = {
  requestMs: null,
  responseMs: null,
  idleMs: null,
};

/** Bytes kept of each request that may be sent again: 16 times what controllers ask for (facts 3.7), and no more. */
const MAX_REPLAY_BYTES = 1024 * 1024;

/** An `http_route.Timeouts`. */
export function readTimeouts(reader: Reader): Timeouts {
  let { requestMs, responseMs, idleMs } = NO_TIMEOUTS;
  while (reader.next()) {
    if (reader.field === 1) responseMs = reader.message(readRequestTimeout);
    else if (reader.field === 2) requestMs = reader.message(readRequestTimeout);
    else if (reader.field === 3) idleMs = reader.message(readRequestTimeout);
    else reader.skip();
  }
  return { requestMs, responseMs, idleMs };
}

/** Milliseconds; a timeout of nothing is none (Gateway API, HTTPRouteTimeouts). */
export function readRequestTimeout(reader: Reader): number | null {
  return readDuration(reader) || null;
}

/** An `HttpRoute.Retry` or `GrpcRoute.Retry`; null when nothing may be sent again. */
export function readRetry<C>(
  reader: Reader,
  noConditions: C,
  readConditions: (reader: Reader, notices: Notices) => C,
  notices: Notices,
): Retry<C> | null {
  let limit = 0;
  let maxBodyBytes = 0;
  let conditions = noConditions;
  let timeoutMs: number | null = null;
  let backOff: BackOff | null = null;
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        limit = reader.uint32();
        break;
      case 2:
        maxBodyBytes = Math.min(reader.uint32(), MAX_REPLAY_BYTES);
        break;
      case 3:
        conditions = reader.message((at) => readConditions(at, notices));
        break;
      case 4:
        timeoutMs = reader.message(readRequestTimeout);
        break;
      case 5:
        backOff = reader.message(readBackOff).backOff;
        break;
      default:
        notices.add("a part of a retry that is not known here is left out");
        reader.skip();
    }
  }
  return limit === 0
    ? null
    : { limit, maxBodyBytes, conditions, timeoutMs, backOff };
}

/** An `HttpRoute.Retry.Conditions`. */
export function readHttpConditions(
  reader: Reader,
  notices: Notices,
): readonly StatusRange[] {
  const ranges: StatusRange[] = [];
  while (reader.next()) {
    if (reader.field === 1) ranges.push(reader.message(readRange));
    else {
      notices.add("a condition of retries that is not known here is left out");
      reader.skip();
    }
  }
  return ranges;
}

function readRange(reader: Reader): StatusRange {
  let start = 0;
  let end = 0;
  while (reader.next()) {
    if (reader.field === 1) start = reader.uint32();
    else if (reader.field === 2) end = reader.uint32();
    else reader.skip();
  }
  return { start, end };
}

/** gRPC codes that a retry may be for; the fields of their conditions have their numbers. */
const RETRYABLE = new Set([1, 4, 8, 13, 14]);

/** A `GrpcRoute.Retry.Conditions`. */
export function readGrpcConditions(
  reader: Reader,
  notices: Notices,
): ReadonlySet<number> {
  const codes = new Set<number>();
  while (reader.next()) {
    const { field } = reader;
    if (RETRYABLE.has(field)) {
      if (reader.bool()) codes.add(field);
    } else {
      notices.add("a condition of retries that is not known here is left out");
      reader.skip();
    }
  }
  return codes;
}
