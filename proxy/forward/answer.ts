import type { Problem } from "../../schemas/problem.ts";
import type { Direction } from "../direction.ts";
import { type Field, Name } from "../http/field.ts";
import { findField } from "../http/fields.ts";
import {
  ErrorCode,
  type RequestHead,
  type Reset,
  type ResponseHead,
} from "../http/message.ts";
import { UNSENT_MARK } from "../http/unsent.ts";
import { rescue } from "../rescue.ts";

export const CANCEL: Reset = {
  code: ErrorCode.cancel,
  origin: "local",
  message: "the client gave up",
};
export const ANSWERED: Reset = {
  ...CANCEL,
  message: "the response was complete before the request",
};

/** Our answer in place of one that cannot be had, counted; and whether the client's connection is to be closed after it. */
export function answerOf(
  problem: Problem,
  grpc: boolean,
  direction: Direction,
  place: string,
  unsent: boolean,
): { readonly head: ResponseHead; readonly close: boolean } {
  const answer = rescue(problem, { grpc, place }, direction.informational);
  if (unsent && direction.tellsUnsent) answer.head.fields.push(UNSENT_MARK);
  direction.failed(problem);
  return answer;
}

/** What ends a gRPC response that has begun, of the head that would have answered it. */
export function asTrailers(head: ResponseHead): Field[] {
  return head.fields.filter(({ name }) => name.text.startsWith("grpc-"));
}

/** Whether a response turns its connection into a tunnel. */
export function isSwitch(request: RequestHead, status: number): boolean {
  return status === 101 ||
    (request.method.text === "CONNECT" && status >= 200 && status < 300);
}

const GRPC_STATUS = Name.of("grpc-status");

export function grpcStatusOf(fields: readonly Field[]): string | null {
  return findField(fields, GRPC_STATUS)?.text ?? null;
}
