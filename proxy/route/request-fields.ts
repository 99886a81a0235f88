import type {
  Retry,
  StatusRange,
  Timeouts,
} from "../../schemas/client-policy.ts";
import { parseDuration } from "../../schemas/duration.ts";
import { parseCodes, parseStatuses } from "../../schemas/retry-conditions.ts";
import { NameFlag } from "../http/field.ts";
import type { RequestHead } from "../http/message.ts";

/** What a request asks for in `l5d-*` fields; undefined: nothing. */
export interface Asked {
  /** Milliseconds; null: no limit. */
  readonly requestMs: number | null | undefined;
  readonly responseMs: number | null | undefined;
  /** Attempts beyond the first. */
  readonly retryLimit: number | undefined;
  /** Milliseconds of each attempt; null: no limit. */
  readonly retryTimeoutMs: number | null | undefined;
  readonly retryStatuses: readonly StatusRange[] | undefined;
  readonly retryCodes: ReadonlySet<number> | undefined;
}

/** The fields, which are for the first proxy alone: none of them goes on. */
const FIELDS: ReadonlySet<string> = new Set([
  ...["l5d-timeout", "l5d-request-timeout", "l5d-response-timeout"],
  ...["l5d-retry-http", "l5d-retry-grpc"],
  ...["l5d-retry-limit", "l5d-retry-timeout"],
]);

/** Retries that only the request asks for (facts 4.12). */
const DEFAULT_RETRY: Omit<Retry<unknown>, "conditions"> = {
  limit: 1,
  maxBodyBytes: 64 * 1024,
  timeoutMs: null,
  backOff: { minMs: 25, maxMs: 250, jitter: 1 },
};
/** As of the annotation (facts 3.7). */
const MAX_LIMIT = 65_535;
/** Longest time a timer holds. */
const MAX_DURATION_MS = 2 ** 31 - 1;

/**
 * Takes such fields out of a request whose rule allows them (facts 4.4), and says what they ask for; null when there are
 * none. Of a field that comes twice the first counts. One that cannot be understood asks for nothing.
 */
export function takeRequestFields(head: RequestHead): Asked | null {
  const { fields } = head;
  let texts: Map<string, string> | null = null;
  let kept = 0;
  for (const field of fields) {
    const { text, flags } = field.name;
    if ((flags & NameFlag.mesh) === 0 || !FIELDS.has(text)) {
      fields[kept++] = field;
      continue;
    }
    texts ??= new Map();
    if (!texts.has(text)) texts.set(text, field.text);
  }
  fields.length = kept;
  return texts === null ? null : readAsked(texts);
}

function readAsked(texts: ReadonlyMap<string, string>): Asked {
  const read = <T>(
    name: string,
    parse: (text: string) => T | undefined,
  ): T | undefined => {
    const text = texts.get(name);
    return text === undefined ? undefined : parse(text);
  };
  const requestMs = read("l5d-request-timeout", readTimeout);
  return {
    requestMs: requestMs === undefined
      ? read("l5d-timeout", readTimeout)
      : requestMs,
    responseMs: read("l5d-response-timeout", readTimeout),
    retryLimit: read("l5d-retry-limit", readLimit),
    retryTimeoutMs: read("l5d-retry-timeout", readTimeout),
    retryStatuses:
      read("l5d-retry-http", (text) => parseStatuses(bare(text))) ??
        undefined,
    retryCodes: read("l5d-retry-grpc", (text) => parseCodes(bare(text))) ??
      undefined,
  };
}

/** A timeout of nothing is none, as in routes. */
function readTimeout(text: string): number | null | undefined {
  try {
    return Math.min(parseDuration(text), MAX_DURATION_MS) || null;
  } catch {
    return undefined; // As if it were not there: a client's mistake is not worth its request.
  }
}

function readLimit(text: string): number | undefined {
  return /^\d{1,5}$/.test(text) && Number(text) <= MAX_LIMIT
    ? Number(text)
    : undefined;
}

/** Lists of fields may have blanks (RFC 9110 5.6.1). */
function bare(text: string): string {
  return text.replaceAll(/[ \t]/g, "");
}

/** A rule's timeouts, for a request that asks for others. */
export function askedTimeouts(rule: Timeouts, asked: Asked): Timeouts {
  const { requestMs = rule.requestMs, responseMs = rule.responseMs } = asked;
  return { requestMs, responseMs, idleMs: rule.idleMs };
}

/** An HTTP rule's retries, for a request that asks for others; null: it is sent once. */
export function askedHttpRetry(
  rule: Retry<readonly StatusRange[]> | null,
  asked: Asked,
): Retry<readonly StatusRange[]> | null {
  return askedRetry(rule, asked, asked.retryStatuses, []);
}

/** The same of a gRPC rule. */
export function askedGrpcRetry(
  rule: Retry<ReadonlySet<number>> | null,
  asked: Asked,
): Retry<ReadonlySet<number>> | null {
  return askedRetry(rule, asked, asked.retryCodes, new Set());
}

function askedRetry<C>(
  rule: Retry<C> | null,
  { retryLimit: limit, retryTimeoutMs: timeoutMs }: Asked,
  conditions: C | undefined,
  none: C,
): Retry<C> | null {
  if (limit === 0) return null;
  if (
    limit === undefined && timeoutMs === undefined && conditions === undefined
  ) return rule;
  const own = rule ?? { ...DEFAULT_RETRY, conditions: none };
  return {
    ...own,
    limit: limit ?? own.limit,
    timeoutMs: timeoutMs === undefined ? own.timeoutMs : timeoutMs,
    conditions: conditions ?? own.conditions,
  };
}
