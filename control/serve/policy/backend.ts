import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  Backend,
  Distribution,
  Load,
  RouteBackend,
} from "../../../schemas/client-policy.ts";
import type {
  Backend_BalanceP2cSchema,
  BackendSchema,
} from "../../../schemas/proto/gen/outbound_pb.ts";
import { toDuration, toWeightedAddr } from "../destination/message.ts";
import { toMetadata } from "./meta.ts";

/** Requests that wait for a backend to become ready, and for how long (fixed in Linkerd's policy controller). */
const QUEUE = { capacity: 100, failfastTimeout: { seconds: 3n } } as const;

/** How long a penalty is felt (fixed in Linkerd's policy controller). */
const PENALTY_DECAY_MS = 10_000;

type BackendMessage = MessageInitShape<typeof BackendSchema>;
interface RouteBackendMessage<F> {
  readonly backend: BackendMessage;
  readonly filters: F[];
}
type DistributionMessage<F> = {
  readonly kind:
    | { readonly case: "empty"; readonly value: Record<string, never> }
    | {
      readonly case: "firstAvailable";
      readonly value: { readonly backends: RouteBackendMessage<F>[] };
    }
    | {
      readonly case: "randomAvailable";
      readonly value: {
        readonly backends: {
          readonly backend: RouteBackendMessage<F>;
          readonly weight: number;
        }[];
      };
    };
};

/** Where a rule sends to, in the form that the messages of all kinds of routes share. */
export function toDistribution<F, M>(
  { kind, backends }: Distribution<F>,
  toFilter: (filter: F) => M,
): DistributionMessage<M> {
  if (backends.length === 0) return { kind: { case: "empty", value: {} } };
  const one = ({ backend, filters }: RouteBackend<F>) => ({
    backend: toBackend(backend),
    filters: filters.map(toFilter),
  });
  if (kind === "first") {
    const value = { backends: backends.map(one) };
    return { kind: { case: "firstAvailable", value } };
  }
  const value = {
    backends: backends.map((backend) => ({
      backend: one(backend),
      weight: backend.weight,
    })),
  };
  return { kind: { case: "randomAvailable", value } };
}

function toBackend(backend: Backend): BackendMessage {
  const named = { metadata: toMetadata(backend.meta), queue: QUEUE };
  switch (backend.kind) {
    case "nowhere":
      return named;
    case "forward": {
      const value = toWeightedAddr(backend.endpoint);
      return { ...named, kind: { case: "forward", value } };
    }
    case "balancer": {
      const { path, load } = backend;
      const value = {
        discovery: { kind: { case: "dst" as const, value: { path } } },
        load: toLoad(load),
      };
      return { ...named, kind: { case: "balancer", value } };
    }
  }
}

function toLoad(
  { defaultRttMs, decayMs, penalty }: Load,
): NonNullable<MessageInitShape<typeof Backend_BalanceP2cSchema>["load"]> {
  const value = {
    defaultRtt: toDuration(defaultRttMs),
    decay: toDuration(decayMs),
  };
  return penalty === null ? { case: "peakEwma", value } : {
    case: "penaltyPeakEwma",
    value: {
      ...value,
      penalty: toDuration(penalty.penaltyMs),
      maxRetryAfter: toDuration(penalty.maxRetryAfterMs),
      penaltyDecay: toDuration(PENALTY_DECAY_MS),
    },
  };
}
