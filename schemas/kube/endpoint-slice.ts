import Type from "typebox";
import { Metadata, Port, Transport } from "./metadata.ts";

/** An EndpointSlice: some of the endpoints of the Service that its label or owner names. */
export const EndpointSliceSchema = Type.Object({
  apiVersion: Type.Literal("discovery.k8s.io/v1"),
  kind: Type.Literal("EndpointSlice"),
  metadata: Metadata,
  addressType: Type.Enum(["IPv4", "IPv6", "FQDN"]),
  endpoints: Type.Optional(Type.Array(Type.Object({
    addresses: Type.Array(Type.String(), {
      minItems: 1,
      description: "at least one address",
    }),
    conditions: Type.Optional(
      Type.Object({ ready: Type.Optional(Type.Boolean()) }),
    ),
    hostname: Type.Optional(Type.String()),
    targetRef: Type.Optional(Type.Object({
      kind: Type.Optional(Type.String()),
      name: Type.Optional(Type.String()),
      namespace: Type.Optional(Type.String()),
    })),
    zone: Type.Optional(Type.String()),
  }))),
  ports: Type.Optional(Type.Array(Type.Object({
    name: Type.Optional(Type.String()),
    port: Type.Optional(Port),
    protocol: Transport,
  }))),
});
