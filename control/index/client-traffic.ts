import type {
  BackOff,
  FailureAccrual,
  GrpcRoute as ClientGrpcRoute,
  HttpRoute as ClientHttpRoute,
  Load,
  Retry,
  StatusRange,
  Timeouts,
} from "../../schemas/client-policy.ts";
import { parseGoDuration } from "../../schemas/go-duration.ts";
import type { GrpcRoute, HttpRoute } from "../../schemas/kube.ts";
import type { Mistake } from "../../schemas/kube/mistake.ts";
import {
  readFailureAccrual,
  readPenalty,
} from "../../schemas/kube/traffic/balancer.ts";
import type { Annotated } from "../../schemas/kube/traffic/reader.ts";
import {
  type AnnotatedRetry,
  DEFAULT_RETRIES,
  readGrpcRetry,
  readHttpRetry,
} from "../../schemas/kube/traffic/retry.ts";
import { readTimeouts } from "../../schemas/kube/traffic/timeouts.ts";
import { TRAFFIC_ANNOTATIONS } from "../../schemas/names.ts";

type HttpRule = NonNullable<HttpRoute["spec"]["rules"]>[number];
type HttpRetry = NonNullable<ClientHttpRoute["rules"][number]["retry"]>;
type GrpcRetry = NonNullable<ClientGrpcRoute["rules"][number]["retry"]>;
type GrpcCodes = GrpcRetry["conditions"];

/** Fixed in Linkerd's policy controller. */
const RETRY_MAX_BODY_BYTES = 65_536;
const RETRY_BACK_OFF: BackOff = { minMs: 25, maxMs: 250, jitter: 1 };

/** Failures that say nothing of the request itself: what is retried where GEP-1731 leaves it to us. */
const RETRIED_STATUSES: readonly StatusRange[] = [{ start: 502, end: 504 }];

/** Load estimate of an endpoint that has answered nothing yet, and how fast it forgets (as Linkerd). */
export const LOAD: Load = { defaultRttMs: 30, decayMs: 10_000, penalty: null };

export const NO_TIMEOUTS: Timeouts = {
  requestMs: null,
  responseMs: null,
  idleMs: null,
};

/** What the annotations of a parent say of all of its routes, unless a route says otherwise. */
export interface ParentTraffic {
  readonly timeouts: Timeouts | null;
  readonly httpRetry: AnnotatedRetry<readonly StatusRange[]> | null;
  readonly grpcRetry: AnnotatedRetry<GrpcCodes> | null;
  readonly accrual: FailureAccrual | null;
  readonly load: Load;
}

/** Of what has no annotations. */
export const NO_TRAFFIC: ParentTraffic = {
  timeouts: null,
  httpRetry: null,
  grpcRetry: null,
  accrual: null,
  load: LOAD,
};

/** Reads a parent's annotations; a group of them that cannot be meant counts as absent. The same for the same object. */
export function trafficOf(parent: Annotated): ParentTraffic {
  const last = known.get(parent);
  if (last !== undefined) return last;
  const penalty = readPenalty(parent).value;
  const traffic = {
    timeouts: readTimeouts(parent).value,
    httpRetry: readHttpRetry(parent).value,
    grpcRetry: readGrpcRetry(parent).value,
    accrual: readFailureAccrual(parent).value,
    load: penalty === null ? LOAD : { ...LOAD, penalty },
  };
  known.set(parent, traffic);
  return traffic;
}

const known = new WeakMap<Annotated, ParentTraffic>();

/** What of a parent's annotations cannot be meant. */
export function mistakesOfParent(parent: Annotated): readonly Mistake[] {
  const all = [
    ...readTimeouts(parent).mistakes,
    ...readHttpRetry(parent).mistakes,
    ...readGrpcRetry(parent).mistakes,
    ...readFailureAccrual(parent).mistakes,
    ...readPenalty(parent).mistakes,
  ];
  // Limit and timeout are read for both protocols.
  return [...new Map(all.map((one) => [one.message, one])).values()];
}

/** Timeouts of a rule: an annotation of the route before the rule's field, and the parent's only where neither is. */
export function timeoutsOf(
  { metadata }: GrpcRoute | HttpRoute,
  { timeouts: fields = {} }: Pick<HttpRule, "timeouts">,
  parent: ParentTraffic,
): Timeouts {
  const annotated = readTimeouts(metadata).value;
  const { request, backendRequest } = fields;
  const isSet = annotated !== null || request !== undefined ||
    backendRequest !== undefined;
  if (!isSet) return parent.timeouts ?? NO_TIMEOUTS;
  const names = metadata.annotations ?? {};
  return {
    requestMs: TRAFFIC_ANNOTATIONS.timeoutRequest in names
      ? annotated?.requestMs ?? null
      : spanMs(request),
    responseMs: TRAFFIC_ANNOTATIONS.timeoutResponse in names
      ? annotated?.responseMs ?? null
      : spanMs(backendRequest),
    idleMs: annotated?.idleMs ?? null,
  };
}

/** Retries of an HTTP rule: the route's annotations, else the rule's field, else the parent's annotations. */
export function httpRetryOf(
  { metadata }: HttpRoute,
  { retry: field }: HttpRule,
  parent: ParentTraffic,
): HttpRetry | null {
  const annotated = readHttpRetry(metadata).value;
  if (annotated !== null || field === undefined) {
    return toRetry(annotated ?? parent.httpRetry);
  }
  const { attempts = DEFAULT_RETRIES, backoff, codes } = field;
  const minMs = spanMs(backoff) ?? RETRY_BACK_OFF.minMs;
  return toRetry({
    limit: attempts,
    timeoutMs: null,
    conditions: codes?.map((code) => ({ start: code, end: code })) ??
      RETRIED_STATUSES,
  }, {
    ...RETRY_BACK_OFF,
    minMs,
    maxMs: Math.max(minMs, RETRY_BACK_OFF.maxMs),
  });
}

/** Retries of a GRPCRoute's rules. */
export function grpcRetryOf(
  { metadata }: GrpcRoute,
  parent: ParentTraffic,
): GrpcRetry | null {
  return toRetry(readGrpcRetry(metadata).value ?? parent.grpcRetry);
}

/** Annotated retries as proxies are told of them. */
export function toRetry<C>(
  annotated: AnnotatedRetry<C> | null,
  backOff = RETRY_BACK_OFF,
): Retry<C> | null {
  if (annotated === null || annotated.limit === 0) return null;
  return { ...annotated, maxBodyBytes: RETRY_MAX_BODY_BYTES, backOff };
}

/** A field that `mistakesOf` has let through; 0 is no limit. */
function spanMs(text: string | undefined): number | null {
  return text === undefined ? null : parseGoDuration(text) || null;
}
