import { Problem } from "../../schemas/problem.ts";
import { answerOfFilter } from "../forward/filters.ts";
import type { Exchange, RequestReader } from "../http/message.ts";
import type { FilterAnswer } from "../route/filter.ts";
import type { Route } from "../policy/inbound-routes.ts";
import type { Scope } from "../policy/rate-limit.ts";
import { isGrpc, rescue } from "../rescue.ts";

/** Why policy does not let a request pass. */
export type Refusal =
  | {
    readonly kind: "denied";
    readonly route: Route;
    /** What denies: authorization, another route that the request might be meant for, a rule that nobody understands. */
    readonly by: "authorization" | "reading" | "unknown";
  }
  | { readonly kind: "no-route" }
  | { readonly kind: "limited"; readonly scope: Scope }
  | { readonly kind: "filtered"; readonly answer: FilterAnswer };

const DENIED = new Problem("forbidden", "unauthorized request on route");
const NO_ROUTE = new Problem("route.missing", "no route found for request");
const LIMITED: Readonly<Record<Scope, Problem>> = {
  total: new Problem("ratelimited", "total rate limit exceeded"),
  identity: new Problem("ratelimited", "per-identity rate limit exceeded"),
  override: new Problem("ratelimited", "override rate limit exceeded"),
};

/**
 * Answers a request that policy refuses: a status and no body. `informational`, for clients that proved who they are:
 * with the kind of refusal in a field; which policies there are is for our log alone.
 */
export function answerRefusal(
  exchange: Exchange,
  refusal: Refusal,
  informational: boolean,
): void {
  const grpc = isGrpc(exchange.head);
  exchange.reader = NOBODY;
  if (refusal.kind !== "filtered") {
    const { head } = rescue(problemOf(refusal), { grpc }, informational);
    return exchange.respond(head, true);
  }
  exchange.respond(
    answerOfFilter(refusal.answer, { grpc }, informational),
    true,
  );
}

function problemOf(
  refusal: Exclude<Refusal, { readonly kind: "filtered" }>,
): Problem {
  switch (refusal.kind) {
    case "denied":
      return DENIED;
    case "no-route":
      return NO_ROUTE;
    case "limited":
      return LIMITED[refusal.scope];
  }
}

const NOBODY: RequestReader = {
  requestData: () => true,
  requestEnd() {},
  requestReset() {},
  responseDrain() {},
};
