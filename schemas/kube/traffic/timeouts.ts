import type { Timeouts } from "../../client-policy.ts";
import { TRAFFIC_ANNOTATIONS } from "../../names.ts";
import { type Annotated, createAnnotationReader, type Said } from "./reader.ts";

/** Timeouts by annotation; a bare `0` is no limit. Null: no annotation is about timeouts. */
export function readTimeouts(object: Annotated): Said<Timeouts> {
  const { timeoutRequest, timeoutResponse, timeoutIdle } = TRAFFIC_ANNOTATIONS;
  const from = createAnnotationReader(object);
  const requestMs = from.durationMs(timeoutRequest);
  const responseMs = from.durationMs(timeoutResponse);
  const idleMs = from.durationMs(timeoutIdle);
  const isAbout = [requestMs, responseMs, idleMs]
    .some((ms) => ms !== undefined);
  return from.say(() =>
    isAbout
      ? {
        requestMs: requestMs || null,
        responseMs: responseMs || null,
        idleMs: idleMs || null,
      }
      : null
  );
}
