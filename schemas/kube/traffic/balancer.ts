import type { FailureAccrual, Penalty } from "../../client-policy.ts";
import { TRAFFIC_ANNOTATIONS } from "../../names.ts";
import { mistake } from "../mistake.ts";
import { type Annotated, createAnnotationReader, type Said } from "./reader.ts";

const UINT32_MAX = 2 ** 32 - 1;
/** Linkerd's defaults and ranges. */
const MAX_FAILURES = 7;
const MIN_PENALTY_MS = 1_000;
const MAX_PENALTY_MS = 60_000;
const JITTER = 0.5;
const JITTER_MAX = 100;
const SUCCESS_RATE = 0.8;
const WINDOW_MS = 10_000;
const WINDOW_MIN_MS = 10;
const MIN_REQUESTS = 5;
const MIN_REQUESTS_MAX = 1_000_000;
const PENALTY_MS = 5_000;
const MAX_RETRY_AFTER_MS = 300_000;

/** When endpoints are left out, by annotation. Null: never. */
export function readFailureAccrual(object: Annotated): Said<FailureAccrual> {
  const names = TRAFFIC_ANNOTATIONS;
  const from = createAnnotationReader(object);
  const mode = from.read(
    names.failureAccrual,
    (text) => text === "consecutive" || text === "unified" ? text : null,
    "consecutive or unified",
    "remove the annotation to leave no endpoint out",
  );
  if (!from.isSet(names.failureAccrual)) return { value: null, mistakes: [] };
  const maxFailures = from.number(names.maxFailures, {
    // A breaker that counts to nothing would leave out what has not failed; beside a rate it means not to count.
    min: mode === "unified" ? 0 : 1,
    max: UINT32_MAX,
  }) ?? MAX_FAILURES;
  const minMs = from.durationMs(names.minPenalty) ?? MIN_PENALTY_MS;
  const maxMs = from.durationMs(
    names.maxPenalty,
    (ms) => ms > 0,
    "a duration of more than 0",
  ) ?? MAX_PENALTY_MS;
  const jitter = from.number(names.jitterRatio, {
    min: 0,
    max: JITTER_MAX,
    isReal: true,
  }) ?? JITTER;
  const backOff = { minMs, maxMs, jitter };
  const rate = mode === "unified" ? readRate(from) : null;
  const said = from.say((): FailureAccrual =>
    rate === null
      ? { kind: "consecutive", maxFailures, backOff }
      : { kind: "unified", maxFailures, ...rate, backOff }
  );
  if (minMs <= maxMs) return said;
  const path = ["metadata", "annotations", names.minPenalty];
  const wrong = mistake(
    path,
    object.annotations?.[names.minPenalty],
    `at most the longest penalty (${names.maxPenalty})`,
    "lower it, or raise the longest",
  );
  return { value: null, mistakes: [...said.mistakes, wrong] };
}

function readRate(from: ReturnType<typeof createAnnotationReader>) {
  const names = TRAFFIC_ANNOTATIONS;
  const successRate = from.number(names.successRateThreshold, {
    min: 0,
    max: 1,
    isReal: true,
  }) ?? SUCCESS_RATE;
  const counts = successRate > 0;
  const windowMs = from.durationMs(
    names.successRateWindow,
    (ms) => !counts || ms >= WINDOW_MIN_MS,
    `a duration of at least ${WINDOW_MIN_MS}ms`,
  ) ?? WINDOW_MS;
  const minRequests = from.number(names.successRateMinRequests, {
    min: 0,
    max: counts ? MIN_REQUESTS_MAX : UINT32_MAX,
  }) ?? MIN_REQUESTS;
  const heedsRetryAfter = from.boolean(names.honorRetryAfter) ?? false;
  return { successRate, windowMs, minRequests, heedsRetryAfter };
}

/** What failed responses count as when endpoints are chosen, by annotation. Null: as long as they took. */
export function readPenalty(object: Annotated): Said<Penalty> {
  const names = TRAFFIC_ANNOTATIONS;
  const from = createAnnotationReader(object);
  const isOn = from.boolean(names.penalizeFailures) ?? false;
  const penaltyMs = from.durationMs(names.penalty) ?? PENALTY_MS;
  const maxRetryAfterMs = from.durationMs(names.maxRetryAfter) ??
    MAX_RETRY_AFTER_MS;
  return from.say(() => isOn ? { penaltyMs, maxRetryAfterMs } : null);
}
