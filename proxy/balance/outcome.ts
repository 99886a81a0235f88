import type { ResponseHead } from "../http/message.ts";
import { classify } from "../record/classify.ts";

/**
 * How a request at an upstream went: known with the head of a response; of gRPC with `grpc-status` in the head or in
 * trailers; or when there is nothing more to come. It may change afterwards: to be read during the call.
 */
export interface Outcome {
  readonly grpc: boolean;
  /** When the upstream was chosen for it, by `performance.now()`, and not before: it tells in which state that was. */
  readonly dispatchedMs: number;
  /** 0: no response. */
  readonly status: number;
  /** Of head or trailers. */
  readonly grpcStatus: string | null;
  /** `unsent`: it got nothing of the request; `cancelled`: the client gave up, which says nothing of the upstream. */
  readonly failure: "unsent" | "broken" | "timeout" | "cancelled" | null;
  /** Of the response, when it is all that has come. */
  readonly head: ResponseHead | null;
}

/** What an outcome says of the endpoint. `limited`: it asks for fewer requests; null: nothing. */
export type Judgement = "success" | "failure" | "limited" | null;

/** HTTP: too many requests (RFC 6585 4). */
const TOO_MANY = 429;
/** gRPC: RESOURCE_EXHAUSTED. */
const EXHAUSTED = "8";

/** Judges by the rules of `response_total` (facts 6.9). */
export function judge(outcome: Outcome): Judgement {
  const { grpc, status, grpcStatus, failure } = outcome;
  if (failure === "cancelled") return null;
  if (failure !== null) return "failure";
  const verdict = classify({ grpc, status, grpcStatus, error: null });
  if (verdict.classification === "failure") return "failure";
  return status === TOO_MANY || verdict.grpcStatus === EXHAUSTED
    ? "limited"
    : "success";
}
