import Type from "typebox";
import { Metadata } from "./metadata.ts";
import { StrictSelector } from "./server.ts";
import { LocalRef, Networks, ObjectRef, strictObject } from "./strict.ts";

/** A ServerAuthorization (policy.linkerd.io): clients that may call the Servers it names. */
export const ServerAuthorizationSchema = Type.Object({
  apiVersion: Type.Enum([
    "policy.linkerd.io/v1alpha1",
    "policy.linkerd.io/v1beta1",
  ]),
  kind: Type.Literal("ServerAuthorization"),
  metadata: Metadata,
  spec: strictObject({
    server: strictObject({
      name: Type.Optional(Type.String({ minLength: 1 })),
      selector: Type.Optional(StrictSelector),
    }),
    client: strictObject({
      networks: Type.Optional(Networks),
      unauthenticated: Type.Optional(Type.Boolean()),
      meshTLS: Type.Optional(strictObject({
        unauthenticatedTLS: Type.Optional(Type.Boolean()),
        identities: Type.Optional(Type.Array(Type.String())),
        serviceAccounts: Type.Optional(Type.Array(strictObject({
          name: Type.String({ minLength: 1 }),
          namespace: Type.Optional(Type.String({ minLength: 1 })),
        }))),
      })),
    }),
  }),
});

/** An AuthorizationPolicy (policy.linkerd.io): what a client must show to reach a target. */
export const AuthorizationPolicySchema = Type.Object({
  apiVersion: Type.Literal("policy.linkerd.io/v1alpha1"),
  kind: Type.Literal("AuthorizationPolicy"),
  metadata: Metadata,
  spec: strictObject({
    targetRef: LocalRef,
    requiredAuthenticationRefs: Type.Array(ObjectRef, {
      description: "a list of authentications (empty: anybody)",
    }),
  }),
});
