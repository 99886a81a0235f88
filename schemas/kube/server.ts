import Type from "typebox";
import { INBOUND_POLICIES } from "../names.ts";
import { Metadata, Port } from "./metadata.ts";
import { strictObject } from "./strict.ts";

/** Chooses objects by their labels; both parts must hold, and nothing given chooses all. */
export const SelectorSchema = Type.Object({
  matchLabels: Type.Optional(Type.Record(Type.String(), Type.String())),
  matchExpressions: Type.Optional(Type.Array(Type.Object({
    key: Type.String(),
    operator: Type.Enum(["In", "NotIn", "Exists", "DoesNotExist"]),
    values: Type.Optional(Type.Array(Type.String())),
  }))),
});

/** The same, and no field more: a misspelled one must not choose all. */
export const StrictSelector = strictObject(SelectorSchema.properties);

/** Words for what is spoken on a port; the first is the default. */
export const PROXY_PROTOCOLS = [
  "unknown",
  "HTTP/1",
  "HTTP/2",
  "gRPC",
  "opaque",
  "TLS",
] as const;

/** A Server (policy.linkerd.io): what is spoken on a port of some workloads, and who may call. */
export const ServerSchema = Type.Object({
  apiVersion: Type.Enum([
    "policy.linkerd.io/v1alpha1",
    "policy.linkerd.io/v1beta1",
    "policy.linkerd.io/v1beta2",
    "policy.linkerd.io/v1beta3",
  ]),
  kind: Type.Literal("Server"),
  metadata: Metadata,
  spec: strictObject({
    podSelector: Type.Optional(StrictSelector),
    externalWorkloadSelector: Type.Optional(StrictSelector),
    port: Type.Union([Port, Type.String({ minLength: 1 })], {
      description: "a port number or the name of a container port",
    }),
    proxyProtocol: Type.Optional(Type.Enum([...PROXY_PROTOCOLS])),
    accessPolicy: Type.Optional(Type.Enum([...INBOUND_POLICIES])),
  }),
});

/** What of a Server says which ports it is about, however unreadable the rest of it is. */
export const ServerStubSchema = Type.Object({
  metadata: Metadata,
  spec: Type.Object({
    podSelector: Type.Optional(StrictSelector),
    externalWorkloadSelector: Type.Optional(StrictSelector),
    port: ServerSchema.properties.spec.properties.port,
  }),
});
