import { type GrpcStatus, StatusCode } from "../grpc/status.ts";
import type { Verdict } from "./watch.ts";

/** The two refusals of Destination that mean the question itself is wrong (facts 2.6). */
export function judgeDestination({ code }: GrpcStatus): Verdict {
  return code === StatusCode.invalidArgument ||
      code === StatusCode.failedPrecondition
    ? "final"
    : "retry";
}

/** Times between questions about a target that policy does not know: it may be made later, most likely soon. */
const ASK_AGAIN_MS = { first: 1_000, longest: 30_000 };

/**
 * NotFound about a target that was known is more likely a controller that has just started than the end of the target.
 * One that lacks the API will not get it while it runs.
 */
export function judgeClientPolicy(): (
  status: GrpcStatus,
  known: boolean,
) => Verdict {
  let waitMs = ASK_AGAIN_MS.first;
  return ({ code }, known) => {
    if (code === StatusCode.unimplemented) return "final";
    if (code !== StatusCode.notFound || known) return "retry";
    const verdict = waitMs;
    waitMs = Math.min(2 * waitMs, ASK_AGAIN_MS.longest);
    return verdict;
  };
}

/** Asks about a port again whatever was said: until it is known, its default policy holds. */
export function judgeServerPolicy(): Verdict {
  return "retry";
}
