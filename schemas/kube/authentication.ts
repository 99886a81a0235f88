import Type from "typebox";
import { Metadata } from "./metadata.ts";
import { Networks, ObjectRef, strictObject } from "./strict.ts";

const apiVersion = Type.Literal("policy.linkerd.io/v1alpha1");

/** A MeshTLSAuthentication (policy.linkerd.io): clients by the identity that mutual TLS proved. */
export const MeshTlsAuthenticationSchema = Type.Object({
  apiVersion,
  kind: Type.Literal("MeshTLSAuthentication"),
  metadata: Metadata,
  spec: strictObject({
    identities: Type.Optional(Type.Array(Type.String())),
    identityRefs: Type.Optional(Type.Array(ObjectRef)),
  }),
});

/** A NetworkAuthentication (policy.linkerd.io): clients by the network they call from. */
export const NetworkAuthenticationSchema = Type.Object({
  apiVersion,
  kind: Type.Literal("NetworkAuthentication"),
  metadata: Metadata,
  spec: strictObject({ networks: Networks }),
});
