import type { Problem, ProblemCode } from "../../schemas/problem.ts";
import { ErrorCode, type Reset } from "../http/message.ts";
import { codeOf } from "./classify.ts";

/** gRPC status codes by number, as metrics spell them. */
const CODES = [
  "OK",
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
];

/** Name of a `grpc-status` value; UNKNOWN for what is none. */
export function codeName(grpcStatus: string | null): string {
  return CODES[Number(codeOf(grpcStatus ?? ""))] ?? "UNKNOWN";
}

/** Why a route's request ended without a status; "" when it has one. */
export type RouteError =
  | ""
  | "FAIL_FAST"
  | "LOAD_SHED"
  | "REQUEST_TIMEOUT"
  | "RESPONSE_HEADERS_TIMEOUT"
  | "RESPONSE_STREAM_TIMEOUT"
  | "IDLE_TIMEOUT"
  | "CANCEL"
  | "REFUSED"
  | "ENHANCE_YOUR_CALM"
  | "RESET"
  | "GO_AWAY"
  | "IO"
  | "UNKNOWN";

/** Problems of ours that are told apart, by code. */
const OURS: Readonly<Partial<Record<ProblemCode, RouteError>>> = {
  "failfast": "FAIL_FAST",
  "loadshed": "LOAD_SHED",
  "timeout.request": "REQUEST_TIMEOUT",
  "timeout.response": "RESPONSE_STREAM_TIMEOUT",
  "timeout.idle": "IDLE_TIMEOUT",
  "timeout.attempt": "RESPONSE_HEADERS_TIMEOUT",
};

/** Whether a request that met this problem has no status in metrics, only an error. */
export function isEndedByUs({ code }: Problem): boolean {
  return OURS[code] !== undefined;
}

/** Label of an exchange that ended early; "" when it did not. */
export function endingError(
  { reset, problem }: {
    readonly reset: Reset | null;
    readonly problem: Problem | null;
  },
): RouteError {
  const ours = problem === null ? undefined : OURS[problem.code];
  if (ours !== undefined) return ours;
  if (reset === null) return "";
  if (reset.origin === "io") return "IO";
  switch (reset.code) {
    case ErrorCode.cancel:
      return "CANCEL";
    case ErrorCode.refusedStream:
      return "REFUSED";
    case ErrorCode.enhanceYourCalm:
      return "ENHANCE_YOUR_CALM";
    default:
      return "RESET";
  }
}
