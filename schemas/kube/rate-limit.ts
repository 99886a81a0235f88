import Type from "typebox";
import { Metadata } from "./metadata.ts";
import { LocalRef, ObjectRef, strictObject } from "./strict.ts";

/** The wire has 32 bits for it. */
const RATE_MAX = 2 ** 32 - 1;

const Rate = {
  requestsPerSecond: Type.Integer({
    minimum: 1,
    maximum: RATE_MAX,
    description: `a whole number from 1 to ${RATE_MAX}`,
  }),
};

/** An HTTPLocalRateLimitPolicy (policy.linkerd.io): how many requests a proxy takes for a Server. */
export const RateLimitSchema = Type.Object({
  apiVersion: Type.Literal("policy.linkerd.io/v1alpha1"),
  kind: Type.Literal("HTTPLocalRateLimitPolicy"),
  metadata: Metadata,
  spec: strictObject({
    targetRef: LocalRef,
    total: Type.Optional(strictObject(Rate)),
    identity: Type.Optional(strictObject(Rate)),
    overrides: Type.Optional(Type.Array(strictObject({
      ...Rate,
      clientRefs: Type.Array(ObjectRef),
    }))),
  }),
});
