import type { Lane, Way } from "../direction.ts";
import { Field } from "../http/field.ts";
import type { RequestHead, ResponseHead } from "../http/message.ts";
import { copyHead } from "../http/orig-proto.ts";
import { answerWith } from "../rescue.ts";
import {
  applyFilters,
  applyToResponse,
  type FilterAnswer,
} from "../route/filter.ts";

/** Whether a rule or its backend changes requests, or answers them. */
export function hasFilters({ payload }: Way, lane: Lane): boolean {
  return payload.filters !== null || lane.filters !== null;
}

/** A request as its rule, then its backend leave it: a copy, for it may be sent more than once. Or what one of them answers. */
export function filterRequest(
  head: RequestHead,
  way: Way,
  lane: Lane,
): RequestHead | FilterAnswer {
  const request = copyHead(head, [...head.fields]);
  for (const filters of [way.payload.filters, lane.filters]) {
    if (filters === null) continue;
    const answer = applyFilters(filters, way, request, Math.random);
    if (answer !== null) return answer;
  }
  return request;
}

/** Changes a response on its way back: the backend first, then the rule. */
export function filterResponse(
  head: ResponseHead,
  way: Way | null,
  lane: Lane | null,
): void {
  if (lane !== null && lane.filters !== null) {
    applyToResponse(lane.filters, head);
  }
  if (way !== null && way.payload.filters !== null) {
    applyToResponse(way.payload.filters, head);
  }
}

/** The response that a filter wants; what failed is told with its place, when it has one. */
export function answerOfFilter(
  answer: FilterAnswer,
  { grpc, place = "" }: { readonly grpc: boolean; readonly place?: string },
  informational: boolean,
): ResponseHead {
  const { location, message } = answer;
  if (location === null) {
    const told = place === "" ? message : `${place}: ${message}`;
    return answerWith({ ...answer, message: told }, { grpc }, informational);
  }
  const head = answerWith(answer, { grpc }, informational);
  head.fields.push(Field.of("location", location));
  return head;
}
