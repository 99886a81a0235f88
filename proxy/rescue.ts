import type { Problem, ProblemCode } from "../schemas/problem.ts";
import { Field, Name } from "./http/field.ts";
import { type RequestHead, ResponseHead } from "./http/message.ts";

/** How a failure of ours is told to an HTTP client, and to a gRPC client. */
interface Answer {
  readonly status: number;
  /** gRPC status code. */
  readonly grpc: number;
  /** Whether the client's connection is closed after it. */
  readonly close: boolean;
}

/**
 * Linkerd's table (facts 4.14); gRPC codes: 4 deadline exceeded, 5 not found, 7 permission denied, 8 resource exhausted,
 * 13 internal, 14 unavailable.
 */
const ANSWERS: Readonly<Partial<Record<ProblemCode, Answer>>> = {
  "failfast": { status: 504, grpc: 4, close: true },
  "loadshed": { status: 503, grpc: 14, close: true },
  "timeout.request": { status: 504, grpc: 4, close: false },
  "timeout.response": { status: 504, grpc: 4, close: false },
  "timeout.idle": { status: 504, grpc: 4, close: false },
  "timeout.attempt": { status: 504, grpc: 4, close: false },
  "connect.timeout": { status: 504, grpc: 4, close: true },
  "connect.failed": { status: 502, grpc: 14, close: true },
  "tls.refused": { status: 502, grpc: 14, close: true },
  "protocol.invalid": { status: 502, grpc: 14, close: true },
  "forbidden": { status: 403, grpc: 7, close: false },
  "route.missing": { status: 404, grpc: 5, close: false },
  "backend.missing": { status: 500, grpc: 14, close: false },
  "gateway.domain": { status: 404, grpc: 5, close: false },
  "gateway.loop": { status: 508, grpc: 10, close: true },
  "ratelimited": { status: 429, grpc: 8, close: false },
};
const UNEXPECTED: Answer = { status: 500, grpc: 13, close: true };

const CONTENT_TYPE = Name.of("content-type");
const NO_BODY = Field.of("content-length", "0");
const GRPC_TYPE = Field.of("content-type", "application/grpc");
const CLOSE_MARK = Field.of("l5d-proxy-connection", "close");

/** True when a request speaks gRPC: HTTP/2 and a content-type of `application/grpc…`. */
export function isGrpc(head: RequestHead): boolean {
  if (head.version !== "2") return false;
  for (const field of head.fields) {
    if (field.name === CONTENT_TYPE) {
      return field.text.startsWith("application/grpc");
    }
  }
  return false;
}

/** The HTTP status that a failure becomes, and the gRPC code. */
export function statusOf(
  { code }: Problem,
): { readonly status: number; readonly grpc: number } {
  return ANSWERS[code] ?? UNEXPECTED;
}

/** The response to send in place of the one that cannot be had; `informational` adds the `l5d-proxy-*` fields. */
export function rescue(
  problem: Problem,
  request: {
    readonly grpc: boolean;
    /** Where it failed, when that is known better than the problem knows. */
    readonly place?: string;
  },
  informational: boolean,
): { readonly head: ResponseHead; readonly close: boolean } {
  const { status, grpc, close } = ANSWERS[problem.code] ?? UNEXPECTED;
  const { place = "" } = request;
  const what = place === "" ? problem.message : `${place}: ${problem.message}`;
  const message = problem.hint === undefined
    ? what
    : `${what}; ${problem.hint}`;
  const head = answerWith({ status, grpc, message }, request, informational);
  if (informational && close) head.fields.push(CLOSE_MARK);
  return { head, close };
}

/** A response of ours without a body. */
export function answerWith(
  answer: {
    readonly status: number;
    /** gRPC status code. */
    readonly grpc: number;
    readonly message: string;
  },
  request: { readonly grpc: boolean },
  informational: boolean,
): ResponseHead {
  const fields = request.grpc
    ? [NO_BODY, GRPC_TYPE, Field.of("grpc-status", String(answer.grpc))]
    : [NO_BODY];
  if (informational) {
    const text = visible(answer.message);
    if (request.grpc) {
      fields.push(Field.of("grpc-message", percentEncode(text)));
    }
    fields.push(Field.of("l5d-proxy-error", text));
  }
  const status = request.grpc ? 200 : answer.status;
  return new ResponseHead("1.1", status, fields, 0);
}

/** Messages may quote what peers sent: nothing but visible ASCII goes into a header field, and not without end. */
function visible(message: string): string {
  return message.replace(/[^\x20-\x7e]+/g, " ").slice(0, 512).trim();
}

/** gRPC's encoding of status messages (gRPC over HTTP/2, "Status-Message"). */
function percentEncode(message: string): string {
  return message.replaceAll("%", "%25");
}
