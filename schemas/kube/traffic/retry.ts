import type { StatusRange } from "../../client-policy.ts";
import { TRAFFIC_ANNOTATIONS } from "../../names.ts";
import {
  parseCodes,
  parseStatuses,
  RETRY_CODES,
} from "../../retry-conditions.ts";
import { type Annotated, createAnnotationReader, type Said } from "./reader.ts";

/** Retries by annotation. */
export interface AnnotatedRetry<C> {
  /** Attempts beyond the first; 0: none, not even those that others ask for. */
  readonly limit: number;
  /** Of each attempt; null: none. */
  readonly timeoutMs: number | null;
  readonly conditions: C;
}

/** Linkerd's, of requests that are retried at all. */
export const DEFAULT_RETRIES = 1;

const LIMIT_MAX = 65_535;

/** Retries of HTTP requests. Null: no annotation is about them. */
export function readHttpRetry(
  object: Annotated,
): Said<AnnotatedRetry<readonly StatusRange[]>> {
  return readRetry(object, TRAFFIC_ANNOTATIONS.retryHttp, {
    parse: parseStatuses,
    none: [],
    wanted: "statuses from 100 to 599, such as 5xx,gateway-error,429,500-504",
  });
}

/** Retries of gRPC calls, by gRPC codes. Null: no annotation is about them. */
export function readGrpcRetry(
  object: Annotated,
): Said<AnnotatedRetry<ReadonlySet<number>>> {
  return readRetry(object, TRAFFIC_ANNOTATIONS.retryGrpc, {
    parse: parseCodes,
    none: new Set(),
    wanted: `a list of ${[...RETRY_CODES.keys()].join(", ")}`,
  });
}

interface Conditions<C> {
  readonly parse: (text: string) => C | null;
  readonly none: C;
  readonly wanted: string;
}

function readRetry<C>(
  object: Annotated,
  key: string,
  { parse, none, wanted }: Conditions<C>,
): Said<AnnotatedRetry<C>> {
  const { retryLimit, retryTimeout } = TRAFFIC_ANNOTATIONS;
  const from = createAnnotationReader(object);
  const fix = "write them with commas and without spaces";
  const conditions = from.read(key, parse, wanted, fix);
  const limit = from.number(retryLimit, { min: 0, max: LIMIT_MAX });
  const timeoutMs = from.durationMs(retryTimeout);
  const isAbout = [conditions, limit, timeoutMs]
    .some((part) => part !== undefined);
  return from.say(() =>
    isAbout
      ? {
        limit: limit ?? DEFAULT_RETRIES,
        timeoutMs: timeoutMs || null,
        conditions: conditions ?? none,
      }
      : null
  );
}
