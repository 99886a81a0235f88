import Type, { type TSchema } from "typebox";
import { AGE, type CrdDefinition, type PrinterColumn } from "./definition.ts";
import { byKey, Name, PortNumber } from "./parts.ts";

const MeshTls = Type.Object({
  identity: Name,
  serverName: Name,
});
const Status = Type.Object({
  conditions: Type.Optional(byKey(
    Type.Object({
      type: Type.String(),
      status: Type.Enum(["True", "False", "Unknown"]),
      reason: Type.Optional(Type.String()),
      message: Type.Optional(Type.String()),
      lastProbeTime: Type.Optional(Type.String({ format: "date-time" })),
      lastTransitionTime: Type.Optional(Type.String({ format: "date-time" })),
    }),
    "type",
  )),
});

function identity(jsonPath: string): PrinterColumn {
  return { name: "Identity", type: "string", jsonPath };
}

function fields(ipsMax: number): Record<string, TSchema> {
  return {
    ports: Type.Optional(Type.Array(Type.Object({
      name: Type.Optional(Type.String()),
      port: PortNumber,
      protocol: Type.Optional(Type.String({ default: "TCP" })),
    }))),
    workloadIPs: Type.Optional(Type.Array(
      Type.Object({ ip: Type.String() }),
      { maxItems: ipsMax },
    )),
  };
}

/** A workload outside of Kubernetes that has a proxy, with its addresses and identity. */
export const EXTERNAL_WORKLOAD: CrdDefinition = {
  group: "workload.linkerd.io",
  kind: "ExternalWorkload",
  plural: "externalworkloads",
  categories: ["external"],
  versions: [
    {
      name: "v1alpha1",
      spec: Type.Object({ meshTls: MeshTls, ...fields(1) }),
      status: Status,
      columns: [identity(".spec.meshTls.identity"), AGE],
    },
    {
      name: "v1beta1",
      spec: Type.Object({ meshTLS: MeshTls, ...fields(2) }),
      status: Status,
      hasStatusSubresource: true,
      columns: [identity(".spec.meshTLS.identity"), AGE],
    },
  ],
};
