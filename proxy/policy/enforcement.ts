import type { ServerPolicy } from "../../schemas/policy.ts";
import type { RouteTable } from "../route/route-table.ts";
import { createInboundTable, type Ruling } from "./inbound-routes.ts";
import {
  createRateLimiter,
  isSameLimit,
  type RateLimiter,
} from "./rate-limit.ts";

/** A server policy made ready to judge requests: once when it comes, so that requests pay little. */
export interface Enforcement {
  readonly policy: ServerPolicy;
  readonly routes: RouteTable<Ruling>;
  readonly limiter: RateLimiter | null;
}

/** Prepares a policy; the counts of a limit that it leaves as it was stay. */
export function enforce(
  policy: ServerPolicy,
  before: Enforcement | null,
): Enforcement {
  const { protocol } = policy;
  const limit = "rateLimit" in protocol ? protocol.rateLimit : undefined;
  const counting = before?.limiter ?? null;
  const limiter = limit === undefined
    ? null
    : counting !== null && isSameLimit(counting.limit, limit)
    ? counting
    : createRateLimiter(limit);
  return { policy, routes: createInboundTable(policy), limiter };
}
