import Type from "typebox";
import { Metadata } from "./metadata.ts";
import { Networks, strictObject } from "./strict.ts";

/** An EgressNetwork (policy.linkerd.io): traffic that leaves the cluster, as something that routes can hang on. */
export const EgressNetworkSchema = Type.Object({
  apiVersion: Type.Literal("policy.linkerd.io/v1alpha1"),
  kind: Type.Literal("EgressNetwork"),
  metadata: Metadata,
  spec: strictObject({
    trafficPolicy: Type.Enum(["Allow", "Deny"]),
    networks: Type.Optional(Networks),
  }),
});
