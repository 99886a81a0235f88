import Type from "typebox";
import type { CrdDefinition } from "./definition.ts";

/** A condition inside a condition: OpenAPI in Kubernetes cannot recur, so admission checks what is inside. */
const Nested = Type.Object({}, {
  "x-kubernetes-preserve-unknown-fields": true,
});
const Combined = {
  all: Type.Optional(Type.Array(Nested)),
  any: Type.Optional(Type.Array(Nested)),
  not: Type.Optional(Nested),
};
const Status = Type.Integer({ format: "int32" });

const Route = Type.Object({
  name: Type.String(),
  condition: Type.Object({
    ...Combined,
    pathRegex: Type.Optional(Type.String()),
    method: Type.Optional(Type.String()),
  }),
  isRetryable: Type.Optional(Type.Boolean()),
  timeout: Type.Optional(Type.String({
    description: "How long a request may take, as 300ms.",
  })),
  responseClasses: Type.Optional(Type.Array(Type.Object({
    condition: Type.Object({
      ...Combined,
      status: Type.Optional(Type.Object({
        min: Type.Optional(Status),
        max: Type.Optional(Status),
      })),
    }),
    isFailure: Type.Optional(Type.Boolean()),
  }))),
});

const Shared = {
  retryBudget: Type.Optional(Type.Object({
    minRetriesPerSecond: Type.Integer({ format: "int32" }),
    retryRatio: Type.Number({ format: "float" }),
    ttl: Type.String(),
  })),
  dstOverrides: Type.Optional(Type.Array(Type.Object({
    authority: Type.Optional(Type.String()),
    weight: Type.Optional(Type.Union([Type.Integer(), Type.String()])),
  }))),
  opaquePorts: Type.Optional(Type.Array(Type.String())),
};

/** Routes of a service, by its DNS name: the older form of per-route metrics, retries, timeouts and splits. */
export const SERVICE_PROFILE: CrdDefinition = {
  group: "linkerd.io",
  kind: "ServiceProfile",
  plural: "serviceprofiles",
  shortNames: ["sp"],
  versions: [
    {
      name: "v1alpha1",
      spec: Type.Object({ ...Shared, routes: Type.Array(Route) }),
    },
    {
      name: "v1alpha2",
      spec: Type.Object({
        ...Shared,
        routes: Type.Optional(Type.Array(Route)),
      }),
    },
  ],
};
