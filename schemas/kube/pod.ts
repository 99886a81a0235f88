import Type from "typebox";
import { Metadata, Port, Transport } from "./metadata.ts";

/** How the kubelet asks a container whether it is well; commands and bare connections need no route. */
const Probe = Type.Optional(Type.Object({
  httpGet: Type.Optional(Type.Object({
    path: Type.Optional(Type.String()),
    port: Type.Union([Port, Type.String({ minLength: 1 })], {
      description: "a port number or the name of a container port",
    }),
  })),
  grpc: Type.Optional(Type.Object({ port: Port })),
}));

const Container = Type.Object({
  name: Type.String(),
  livenessProbe: Probe,
  readinessProbe: Probe,
  startupProbe: Probe,
  ports: Type.Optional(Type.Array(Type.Object({
    name: Type.Optional(Type.String()),
    containerPort: Port,
    hostPort: Type.Optional(Port),
    protocol: Transport,
  }))),
  env: Type.Optional(Type.Array(Type.Object({
    name: Type.String(),
    value: Type.Optional(Type.String({ description: "a string (quote it)" })),
  }))),
});

/** A Pod: a workload, and by its labels and proxy container whether it is meshed. */
export const PodSchema = Type.Object({
  apiVersion: Type.Literal("v1"),
  kind: Type.Literal("Pod"),
  metadata: Metadata,
  spec: Type.Optional(Type.Object({
    nodeName: Type.Optional(Type.String()),
    serviceAccountName: Type.Optional(Type.String()),
    hostNetwork: Type.Optional(Type.Boolean()),
    containers: Type.Optional(Type.Array(Container)),
    initContainers: Type.Optional(Type.Array(Container)),
  })),
  status: Type.Optional(Type.Object({
    phase: Type.Optional(Type.String()),
    podIP: Type.Optional(Type.String()),
    podIPs: Type.Optional(Type.Array(Type.Object({ ip: Type.String() }))),
    hostIP: Type.Optional(Type.String()),
  })),
});
