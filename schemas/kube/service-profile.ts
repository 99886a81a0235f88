import Type from "typebox";
import { Metadata } from "./metadata.ts";
import { strictObject } from "./strict.ts";

const Word = Type.String({ minLength: 1, description: "a name" });

/** Conditions recur, which a schema cannot say: `rules/service-profile.ts` looks inside. */
const Condition = Type.Record(Type.String(), Type.Unknown(), {
  description: "a condition",
});

/** A Kubernetes quantity, 0 or more. */
const QUANTITY =
  "^\\+?(\\d+\\.?\\d*|\\.\\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?\\d+)?$";

/** A ServiceProfile (linkerd.io): routes of a service and how they are called. */
export const ServiceProfileSchema = Type.Object({
  apiVersion: Type.Enum(["linkerd.io/v1alpha1", "linkerd.io/v1alpha2"]),
  kind: Type.Literal("ServiceProfile"),
  metadata: Metadata,
  spec: strictObject({
    routes: Type.Optional(Type.Array(strictObject({
      name: Word,
      condition: Condition,
      isRetryable: Type.Optional(Type.Boolean()),
      timeout: Type.Optional(Type.String()),
      responseClasses: Type.Optional(Type.Array(strictObject({
        condition: Condition,
        isFailure: Type.Optional(Type.Boolean()),
      }))),
    }))),
    retryBudget: Type.Optional(strictObject({
      minRetriesPerSecond: Type.Integer({
        minimum: 0,
        description: "a whole number, 0 or more",
      }),
      retryRatio: Type.Number({
        minimum: 0,
        description: "a number, 0 or more",
      }),
      ttl: Type.String({ description: "a duration, such as 10s" }),
    })),
    dstOverrides: Type.Optional(Type.Array(strictObject({
      authority: Type.Optional(Type.String()),
      weight: Type.Optional(Type.Union([
        Type.Integer({ minimum: 0 }),
        Type.String({ pattern: QUANTITY }),
      ], { description: "a weight, such as 500m" })),
    }))),
    opaquePorts: Type.Optional(Type.Array(Type.String())),
  }),
});
