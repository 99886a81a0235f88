import Type from "typebox";
import { Metadata, Port } from "./metadata.ts";

/** Chooses objects by their labels; both parts must hold, and nothing given chooses all. */
export const SelectorSchema = Type.Object({
  matchLabels: Type.Optional(Type.Record(Type.String(), Type.String())),
  matchExpressions: Type.Optional(Type.Array(Type.Object({
    key: Type.String(),
    operator: Type.Enum(["In", "NotIn", "Exists", "DoesNotExist"]),
    values: Type.Optional(Type.Array(Type.String())),
  }))),
});

/** A Server (policy.linkerd.io): what is spoken on a port of some Pods. */
export const ServerSchema = Type.Object({
  apiVersion: Type.Enum([
    "policy.linkerd.io/v1beta1",
    "policy.linkerd.io/v1beta2",
    "policy.linkerd.io/v1beta3",
  ]),
  kind: Type.Literal("Server"),
  metadata: Metadata,
  spec: Type.Object({
    podSelector: Type.Optional(SelectorSchema),
    externalWorkloadSelector: Type.Optional(SelectorSchema),
    port: Type.Union([Port, Type.String({ minLength: 1 })], {
      description: "a port number or the name of a container port",
    }),
    proxyProtocol: Type.Optional(
      Type.Enum(["unknown", "HTTP/1", "HTTP/2", "gRPC", "opaque", "TLS"]),
    ),
    accessPolicy: Type.Optional(Type.String()),
  }),
});
