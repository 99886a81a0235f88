import Type from "typebox";
import { Metadata, Port, Transport } from "./metadata.ts";

/** A ServiceImport (KEP-1645): a Service of the whole cluster set, by the ports and addresses that it has here. */
export const ServiceImportSchema = Type.Object({
  apiVersion: Type.Enum([
    "multicluster.x-k8s.io/v1alpha1",
    "multicluster.x-k8s.io/v1beta1",
  ]),
  kind: Type.Literal("ServiceImport"),
  metadata: Metadata,
  spec: Type.Object({
    type: Type.Optional(Type.Enum(["ClusterSetIP", "Headless"])),
    ips: Type.Optional(Type.Array(Type.String())),
    ports: Type.Optional(Type.Array(Type.Object({
      name: Type.Optional(Type.String()),
      port: Port,
      protocol: Transport,
      appProtocol: Type.Optional(Type.String()),
    }))),
  }),
});
