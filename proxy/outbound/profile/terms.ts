import type { ProfileRoute } from "../../../schemas/profile.ts";
import { type Limits, ONCE, type Terms } from "../../forward/terms.ts";
import type { Judge } from "../../record/classify.ts";
import type { Budget } from "./budget.ts";

/** Requests with a longer body are sent once, as in Linkerd. */
const MAX_BODY_BYTES = 65_536;

const UNLIMITED: Limits = {
  requestMs: null,
  responseMs: null,
  idleMs: null,
  headMs: null,
};

/**
 * Under which terms a route's requests are sent (facts 4.11, 4.12): what counts as a failure is sent again at once, as
 * often as the budget has room; without a budget nothing is.
 */
export function profileTerms(
  { retries, timeoutMs }: ProfileRoute,
  judge: Judge,
  budget: Budget | null,
): Terms {
  const limits = timeoutMs === null
    ? null
    : { ...UNLIMITED, headMs: timeoutMs };
  if (!retries || budget === null) {
    return limits === null ? ONCE : { limits, retry: null };
  }
  return {
    limits,
    retry: {
      limit: Infinity,
      maxBodyBytes: MAX_BODY_BYTES,
      timeoutMs: null,
      backOff: null,
      wants: (status, grpcStatus) => {
        const grpc = grpcStatus !== null;
        const { classification } = judge({
          grpc,
          status,
          grpcStatus,
          error: null,
        });
        return classification === "failure";
      },
      permits: () => budget.withdraw(performance.now()),
    },
  };
}
