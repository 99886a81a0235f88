import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  DEFAULT_RETRY_BUDGET,
  type ProfileRoute,
  type ProfileTarget,
  type RequestCondition,
  type ResponseCondition,
  type RetryBudget,
} from "../../../schemas/profile.ts";
import {
  type DestinationProfile,
  DestinationProfileSchema,
  type RequestMatchSchema,
  type ResponseMatchSchema,
  type RetryBudgetSchema,
  type RouteSchema,
  type WeightedDstSchema,
} from "../../../schemas/proto/gen/destination_pb.ts";
import type { ProfileAnswer } from "../../views.ts";
import { toMetadata } from "../policy/meta.ts";
import { toMethod } from "../policy/route.ts";
import { toDuration, toWeightedAddr } from "./message.ts";

/** A target's profile: of a Service, of one endpoint, or empty for a port that a Service does not declare. */
export function toProfile(
  answer: Extract<
    ProfileAnswer,
    { kind: "service" | "endpoint" | "undeclared" }
  >,
  clusterDomain: string,
): DestinationProfile {
  switch (answer.kind) {
    case "undeclared":
      return create(DestinationProfileSchema);
    case "endpoint":
      return create(DestinationProfileSchema, {
        opaqueProtocol: answer.opaque,
        retryBudget: toRetryBudget(DEFAULT_RETRY_BUDGET),
        endpoint: toWeightedAddr(answer.endpoint),
      });
    case "service": {
      const { name, namespace } = answer.service;
      const { routes, retryBudget, targets, parent, profile } = answer.routing;
      return create(DestinationProfileSchema, {
        fullyQualifiedName: `${name}.${namespace}.svc.${clusterDomain}`,
        opaqueProtocol: answer.opaque,
        routes: routes.map(toRoute),
        ...retryBudget === null
          ? {}
          : { retryBudget: toRetryBudget(retryBudget) },
        dstOverrides: targets.map(toWeightedDst),
        ...parent === null ? {} : { parentRef: toMetadata(parent) },
        ...profile === null ? {} : { profileRef: toMetadata(profile) },
      });
    }
  }
}

function toRoute(
  { condition, responseClasses, labels, retries, timeoutMs }: ProfileRoute,
): MessageInitShape<typeof RouteSchema> {
  return {
    condition: toRequestMatch(condition),
    responseClasses: responseClasses.map((one) => ({
      condition: toResponseMatch(one.condition),
      isFailure: one.isFailure,
    })),
    metricsLabels: { ...labels },
    isRetryable: retries,
    ...timeoutMs === null ? {} : { timeout: toDuration(timeoutMs) },
  };
}

function toRequestMatch(
  condition: RequestCondition,
): MessageInitShape<typeof RequestMatchSchema> {
  switch (condition.kind) {
    case "all":
    case "any": {
      const matches = condition.conditions.map(toRequestMatch);
      return { match: { case: condition.kind, value: { matches } } };
    }
    case "not": {
      const value = toRequestMatch(condition.condition);
      return { match: { case: "not", value } };
    }
    case "path":
      return { match: { case: "path", value: { regex: condition.pattern } } };
    case "method":
      return { match: { case: "method", value: toMethod(condition.method) } };
  }
}

function toResponseMatch(
  condition: ResponseCondition,
): MessageInitShape<typeof ResponseMatchSchema> {
  switch (condition.kind) {
    case "all":
    case "any": {
      const matches = condition.conditions.map(toResponseMatch);
      return { match: { case: condition.kind, value: { matches } } };
    }
    case "not": {
      const value = toResponseMatch(condition.condition);
      return { match: { case: "not", value } };
    }
    case "status": {
      const { min, max } = condition;
      return { match: { case: "status", value: { min, max } } };
    }
  }
}

function toRetryBudget(
  { retryRatio, minRetriesPerSecond, ttlMs }: RetryBudget,
): MessageInitShape<typeof RetryBudgetSchema> {
  return { retryRatio, minRetriesPerSecond, ttl: toDuration(ttlMs) };
}

function toWeightedDst(
  { authority, weight, backend }: ProfileTarget,
): MessageInitShape<typeof WeightedDstSchema> {
  return {
    authority,
    weight,
    ...backend === null ? {} : { backendRef: toMetadata(backend) },
  };
}
