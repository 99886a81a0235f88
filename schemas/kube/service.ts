import Type from "typebox";
import { Metadata, Port, Transport } from "./metadata.ts";

/** A Service: the addresses and ports that stand for a set of endpoints. */
export const ServiceSchema = Type.Object({
  apiVersion: Type.Literal("v1"),
  kind: Type.Literal("Service"),
  metadata: Metadata,
  spec: Type.Object({
    type: Type.Optional(
      Type.Enum(["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"]),
    ),
    clusterIP: Type.Optional(Type.String()),
    clusterIPs: Type.Optional(Type.Array(Type.String())),
    externalName: Type.Optional(Type.String()),
    internalTrafficPolicy: Type.Optional(Type.Enum(["Cluster", "Local"])),
    ports: Type.Optional(Type.Array(Type.Object({
      name: Type.Optional(Type.String()),
      port: Port,
      protocol: Transport,
      appProtocol: Type.Optional(Type.String()),
    }))),
  }),
});
