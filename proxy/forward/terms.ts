import type { BackOff, Retry, Timeouts } from "../../schemas/client-policy.ts";

/** Under which terms a request is sent. */
export interface Terms {
  /** Null: it may take as long as it takes. */
  readonly limits: Limits | null;
  /** Null: it is sent once. */
  readonly retry: RetryTerms | null;
}

/** Milliseconds; null: no limit. */
export interface Limits extends Timeouts {
  /** From the head of the request to that of the response, over all attempts. */
  readonly headMs: number | null;
}

export interface RetryTerms {
  /** Attempts beyond the first. */
  readonly limit: number;
  /** Requests with a longer body are sent once. */
  readonly maxBodyBytes: number;
  /** From the end of the request to the head of the response, of each attempt but the last; null: no limit. */
  readonly timeoutMs: number | null;
  /** Null: another attempt follows at once. */
  readonly backOff: BackOff | null;
  /** Whether an attempt that ended so is to be followed by another. */
  wants(status: number, grpcStatus: string | null): boolean;
  /** Asked for each attempt beyond the first, which takes its share of a budget; null: there is none. */
  readonly permits: (() => boolean) | null;
}

/** It may take as long as it takes. */
export const UNLIMITED: Limits = {
  requestMs: null,
  responseMs: null,
  idleMs: null,
  headMs: null,
};

/** Sent once, without limits. */
export const ONCE: Terms = { limits: null, retry: null };

/** The terms of a rule. */
export function termsOf<C>(
  timeouts: Timeouts,
  retry: Retry<C> | null,
  wants: (conditions: C, status: number, grpcStatus: string | null) => boolean,
): Terms {
  const { requestMs, responseMs, idleMs } = timeouts;
  const isLimited = requestMs !== null || responseMs !== null ||
    idleMs !== null;
  if (!isLimited && retry === null) return ONCE;
  return {
    limits: isLimited ? { ...timeouts, headMs: null } : null,
    retry: retry === null ? null : {
      limit: retry.limit,
      maxBodyBytes: retry.maxBodyBytes,
      timeoutMs: retry.timeoutMs,
      backOff: retry.backOff,
      permits: null,
      wants: (status, grpcStatus) =>
        wants(retry.conditions, status, grpcStatus),
    },
  };
}
