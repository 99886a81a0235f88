import Type from "typebox";
import type { CrdDefinition } from "./definition.ts";
import {
  Conditions,
  Group,
  Kind,
  LocalRef,
  Name,
  NamespaceName,
  Networks,
  withDefault,
} from "./parts.ts";

const Rate = {
  requestsPerSecond: Type.Integer({ format: "int64" }),
};

/** How many requests a Server takes, of all its clients, of each, and of some. */
export const HTTP_LOCAL_RATE_LIMIT_POLICY: CrdDefinition = {
  group: "policy.linkerd.io",
  kind: "HTTPLocalRateLimitPolicy",
  plural: "httplocalratelimitpolicies",
  versions: [{
    name: "v1alpha1",
    hasStatusSubresource: true,
    spec: Type.Object({
      targetRef: LocalRef,
      total: Type.Optional(Type.Object(Rate)),
      identity: Type.Optional(Type.Object(Rate)),
      overrides: Type.Optional(Type.Array(Type.Object({
        ...Rate,
        clientRefs: Type.Array(Type.Object({
          ...LocalRef.properties,
          namespace: Type.Optional(NamespaceName),
        })),
      }))),
    }),
    status: Type.Object({
      conditions: Type.Optional(Conditions),
      targetRef: Type.Object({
        group: Type.Optional(
          withDefault(Group, "policy.linkerd.io"),
        ),
        kind: Type.Optional(withDefault(Kind, "Server")),
        name: Name,
      }),
    }),
    columns: [
      {
        name: "Target_kind",
        type: "string",
        jsonPath: ".spec.targetRef.kind",
      },
      {
        name: "Target_name",
        type: "string",
        jsonPath: ".spec.targetRef.name",
      },
      {
        name: "Total_RPS",
        type: "integer",
        jsonPath: ".spec.total.requestsPerSecond",
      },
      {
        name: "Identity_RPS",
        type: "integer",
        jsonPath: ".spec.identity.requestsPerSecond",
      },
    ],
  }],
};

/** Traffic that leaves the cluster, as something policies can be about. */
export const EGRESS_NETWORK: CrdDefinition = {
  group: "policy.linkerd.io",
  kind: "EgressNetwork",
  plural: "egressnetworks",
  categories: ["policy"],
  versions: [{
    name: "v1alpha1",
    hasStatusSubresource: true,
    spec: Type.Object({
      networks: Type.Optional(Networks),
      trafficPolicy: Type.Enum(["Allow", "Deny"], {
        description: "What happens to traffic that no route is about.",
      }),
    }),
    status: Type.Object({ conditions: Type.Optional(Conditions) }),
  }],
};
