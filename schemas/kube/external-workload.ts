import Type from "typebox";
import { Metadata, Port, Transport } from "./metadata.ts";

/** Kubernetes' limit on DNS names, which Linkerd's CRD sets for identities of either form too. */
const NAME_MAX_CHARS = 253;

const Name = Type.String({ minLength: 1, maxLength: NAME_MAX_CHARS });

/** How a workload proves who it is. */
const MeshTls = Type.Object({ identity: Name, serverName: Name });

const rest = {
  ports: Type.Optional(Type.Array(Type.Object({
    name: Type.Optional(Type.String()),
    port: Port,
    protocol: Transport,
  }))),
  workloadIPs: Type.Optional(Type.Array(Type.Object({ ip: Type.String() }))),
};

/** An ExternalWorkload (workload.linkerd.io): what runs outside of the cluster and has a proxy. */
export const ExternalWorkloadSchema = Type.Object({
  apiVersion: Type.Literal("workload.linkerd.io/v1beta1"),
  kind: Type.Literal("ExternalWorkload"),
  metadata: Metadata,
  spec: Type.Object({ meshTLS: MeshTls, ...rest }),
});

/** The same as it was written first. */
export const OldExternalWorkloadSchema = Type.Object({
  apiVersion: Type.Literal("workload.linkerd.io/v1alpha1"),
  kind: Type.Literal("ExternalWorkload"),
  metadata: Metadata,
  spec: Type.Object({ meshTls: MeshTls, ...rest }),
});
