import Type from "typebox";
import { SelectorSchema } from "../kube/server.ts";
import type { CrdDefinition, PrinterColumn } from "./definition.ts";
import { oneOfFields } from "./parts.ts";

const Port = Type.Union([Type.Integer(), Type.String()], {
  description: "A port number, or the name of a container port.",
});
const ProxyProtocol = Type.Optional(Type.String({
  default: "unknown",
  description:
    "What is spoken on the port: unknown, HTTP/1, HTTP/2, gRPC, opaque or TLS.",
}));
const AccessPolicy = Type.Optional(Type.String({
  default: "deny",
  description:
    "Who may call when no authorization says so: a default inbound policy.",
}));

const SELECTORS = ["podSelector", "externalWorkloadSelector"];
const Selected = {
  podSelector: Type.Optional(SelectorSchema),
  externalWorkloadSelector: Type.Optional(SelectorSchema),
  port: Port,
  proxyProtocol: ProxyProtocol,
};

const COLUMNS: readonly PrinterColumn[] = [
  { name: "Port", type: "string", jsonPath: ".spec.port" },
  { name: "Protocol", type: "string", jsonPath: ".spec.proxyProtocol" },
];

/** A port of some workloads: what policies are about. */
export const SERVER: CrdDefinition = {
  group: "policy.linkerd.io",
  kind: "Server",
  plural: "servers",
  shortNames: ["srv"],
  versions: [
    {
      name: "v1alpha1",
      deprecation: "policy.linkerd.io/v1alpha1 Server is deprecated",
      spec: Type.Object({
        podSelector: oneOfFields(
          ["matchLabels", "matchExpressions"],
          SelectorSchema.properties,
        ),
        port: Port,
        proxyProtocol: ProxyProtocol,
      }),
    },
    {
      name: "v1beta1",
      deprecation: "policy.linkerd.io/v1beta1 Server is deprecated",
      columns: COLUMNS,
      spec: Type.Object({
        podSelector: SelectorSchema,
        port: Port,
        proxyProtocol: ProxyProtocol,
      }),
    },
    {
      name: "v1beta2",
      columns: COLUMNS,
      spec: oneOfFields(SELECTORS, Selected),
    },
    {
      name: "v1beta3",
      columns: [...COLUMNS, {
        name: "Access Policy",
        type: "string",
        jsonPath: ".spec.accessPolicy",
      }],
      spec: oneOfFields(SELECTORS, { ...Selected, accessPolicy: AccessPolicy }),
    },
  ],
};
