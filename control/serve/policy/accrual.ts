import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  BackOff,
  FailureAccrual,
} from "../../../schemas/client-policy.ts";
import type {
  ExponentialBackoffSchema,
  FailureAccrualSchema,
} from "../../../schemas/proto/gen/outbound_pb.ts";
import { toDuration } from "../destination/message.ts";

type Accrual = MessageInitShape<typeof FailureAccrualSchema>;

/** The field that says when endpoints are left out; none where they never are. */
export function toAccrual(
  accrual: FailureAccrual | null,
): { readonly failureAccrual?: Accrual } {
  return accrual === null ? {} : { failureAccrual: toMessage(accrual) };
}

function toMessage(accrual: FailureAccrual): Accrual {
  const { maxFailures } = accrual;
  const backoff = toBackOff(accrual.backOff);
  if (accrual.kind === "consecutive") {
    const value = { maxFailures, backoff };
    return { kind: { case: "consecutiveFailures", value } };
  }
  const { successRate, windowMs, minRequests, heedsRetryAfter } = accrual;
  const value = {
    successRateThreshold: successRate,
    decay: toDuration(windowMs),
    minRequests,
    maxConsecutiveFailures: maxFailures,
    backoff: { ...backoff, respectRetryAfterHint: heedsRetryAfter },
  };
  return { kind: { case: "unified", value } };
}

/** A wait that doubles. */
export function toBackOff(
  { minMs, maxMs, jitter }: BackOff,
): MessageInitShape<typeof ExponentialBackoffSchema> {
  return {
    minBackoff: toDuration(minMs),
    maxBackoff: toDuration(maxMs),
    jitterRatio: jitter,
  };
}
