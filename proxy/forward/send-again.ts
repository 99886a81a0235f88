import type { Problem, ProblemCode } from "../../schemas/problem.ts";
import { ErrorCode, type RequestHead, type Reset } from "../http/message.ts";

/** How often a request is sent again because the endpoint or connection chosen for it turned out to be going. */
export const MAX_SENT_AGAIN = 2;

/** How much of a body is kept until the endpoint's proxy answers: what Linkerd keeps of one that it may retry (facts 4.10). */
export const MAX_KEPT_BYTES = 64 * 1024;

/**
 * What an endpoint that cannot be connected to costs in its load: Linkerd's penalty of a failure (facts 4.8). A refusal
 * is quick, and would otherwise make a dead endpoint look like the fastest.
 */
export const UNREACHABLE_RTT_MS = 5_000;

const UNREACHABLE: ReadonlySet<ProblemCode> = new Set([
  "connect.failed",
  "connect.timeout",
]);

/** Whether nobody answered, so that nothing can have been sent. */
export function isUnreachable({ code }: Problem): boolean {
  return UNREACHABLE.has(code);
}

const IDEMPOTENT: ReadonlySet<string> = new Set([
  "GET",
  "HEAD",
  "OPTIONS",
  "TRACE",
  "PUT",
  "DELETE",
]);

/**
 * Whether a request that has met this end, none of its body lost, may go out once more: the peer said that it has not
 * looked at it, or doing it twice does no harm (RFC 9110 9.2.2) and it was lost with its connection: one that had been
 * idle, or a new one, but then once only, for the application may have ended because of this request.
 */
export function mayGoAgain(
  request: RequestHead,
  hasBody: boolean,
  reset: Reset,
  reused: boolean,
  sentAgain: number,
): boolean {
  if (reset.code === ErrorCode.refusedStream) return true;
  return (reused || sentAgain === 0) && !hasBody && reset.origin === "io" &&
    IDEMPOTENT.has(request.method.text);
}
