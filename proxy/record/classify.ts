import type { Reset } from "../http/message.ts";

/** How a response is counted: labels `classification`, `grpc_status` and `error` of `response_total`. */
export interface Verdict {
  readonly classification: "success" | "failure";
  /** A number as text, or "" when the response is not gRPC. */
  readonly grpcStatus: string;
  readonly error: string;
}

/** What is known of a response when it has ended. */
export interface Ending {
  /** True when the request's content-type begins with `application/grpc`. */
  readonly grpc: boolean;
  /** 0 when there was no response head. */
  readonly status: number;
  /** `grpc-status` of the head, else of the trailers; null when neither has one. */
  readonly grpcStatus: string | null;
  /** Why it ended before its end; null when it is complete. */
  readonly error: Reset | "timeout" | null;
}

/** How the end of a response counts: `classify`, or what a ServiceProfile says instead. */
export type Judge = (ending: Ending) => Verdict;

/**
 * Success or failure of a response, by Linkerd's rules: HTTP fails from 500 on, gRPC by its status code.
 *
 * Verdicts are shared objects and few (below 40), so that callers may keep a series per verdict.
 */
export function classify(ending: Ending): Verdict {
  const { grpc, status, grpcStatus, error } = ending;
  if (error !== null) return broken(error);
  if (!grpc) return status >= 500 ? FAILURE : SUCCESS;
  if (grpcStatus !== null) return GRPC.get(grpcStatus) ?? GRPC_UNKNOWN;
  // Linkerd calls every gRPC response without a status a success; a 503 from something in between is none (decision 32).
  return status >= 500 ? FAILURE : GRPC_MISSING;
}

const SUCCESS: Verdict = {
  classification: "success",
  grpcStatus: "",
  error: "",
};
const FAILURE: Verdict = { ...SUCCESS, classification: "failure" };

/** UNKNOWN, DEADLINE_EXCEEDED, PERMISSION_DENIED, INTERNAL, UNAVAILABLE, DATA_LOSS. */
const FAILING_CODES: ReadonlySet<number> = new Set([2, 4, 7, 13, 14, 15]);
/** The highest code of gRPC, UNAUTHENTICATED. */
const LAST_CODE = 16;
const UNKNOWN = 2;

/** By code as text: peers may write anything there. */
const GRPC: ReadonlyMap<string, Verdict> = new Map(
  Array.from({ length: LAST_CODE + 1 }, (_, code) => [String(code), {
    classification: FAILING_CODES.has(code) ? "failure" : "success",
    grpcStatus: String(code),
    error: "",
  }]),
);
const GRPC_UNKNOWN: Verdict = {
  classification: "failure",
  grpcStatus: String(UNKNOWN),
  error: "",
};
const GRPC_MISSING: Verdict = {
  ...GRPC_UNKNOWN,
  classification: "success",
};

/** The code that a `grpc-status` says, as text; what is no code is UNKNOWN. */
export function codeOf(grpcStatus: string): string {
  return GRPC.has(grpcStatus) ? grpcStatus : String(UNKNOWN);
}

const TIMEOUT: Verdict = { ...FAILURE, error: "timeout" };
const UNCLASSIFIED: Verdict = { ...FAILURE, error: "unclassified" };

/** Names of the HTTP/2 error codes (RFC 9113 7), by code. */
const REASONS: readonly string[] = [
  "NO_ERROR",
  "PROTOCOL_ERROR",
  "INTERNAL_ERROR",
  "FLOW_CONTROL_ERROR",
  "SETTINGS_TIMEOUT",
  "STREAM_CLOSED",
  "FRAME_SIZE_ERROR",
  "REFUSED_STREAM",
  "CANCEL",
  "COMPRESSION_ERROR",
  "CONNECT_ERROR",
  "ENHANCE_YOUR_CALM",
  "INADEQUATE_SECURITY",
  "HTTP_1_1_REQUIRED",
];
const RESETS: readonly Verdict[] = REASONS.map((reason) => ({
  ...FAILURE,
  error: `h2(${reason})`,
}));

function broken(error: Reset | "timeout"): Verdict {
  if (error === "timeout") return TIMEOUT;
  return error.origin === "peer"
    ? RESETS[error.code] ?? UNCLASSIFIED
    : UNCLASSIFIED;
}
