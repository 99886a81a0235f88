import Type from "typebox";
import { Metadata, Port } from "./metadata.ts";
import { strictObject } from "./strict.ts";

/** What a route hangs on. */
const ParentRef = Type.Object({
  group: Type.Optional(Type.String()),
  kind: Type.Optional(Type.String()),
  name: Type.String({ minLength: 1 }),
  namespace: Type.Optional(Type.String()),
  sectionName: Type.Optional(Type.String()),
  port: Type.Optional(Port),
});

/** A header or query parameter. */
const FieldMatch = strictObject({
  type: Type.Optional(Type.Enum(["Exact", "RegularExpression"])),
  name: Type.String({ minLength: 1 }),
  value: Type.String(),
});

const HttpMatch = strictObject({
  path: Type.Optional(strictObject({
    type: Type.Optional(
      Type.Enum(["Exact", "PathPrefix", "RegularExpression"]),
    ),
    value: Type.Optional(Type.String()),
  })),
  headers: Type.Optional(Type.Array(FieldMatch)),
  queryParams: Type.Optional(Type.Array(FieldMatch)),
  method: Type.Optional(Type.Enum([
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "DELETE",
    "CONNECT",
    "OPTIONS",
    "TRACE",
    "PATCH",
  ])),
});

const GrpcMatch = strictObject({
  method: Type.Optional(strictObject({
    type: Type.Optional(Type.Enum(["Exact", "RegularExpression"])),
    service: Type.Optional(Type.String()),
    method: Type.Optional(Type.String()),
  })),
  headers: Type.Optional(Type.Array(FieldMatch)),
});

const HeaderField = Type.Object({ name: Type.String(), value: Type.String() });
const HeaderModifier = Type.Object({
  set: Type.Optional(Type.Array(HeaderField)),
  add: Type.Optional(Type.Array(HeaderField)),
  remove: Type.Optional(Type.Array(Type.String())),
});

/** Gateway API's filters (v1), of which a proxy does some: index/route-rules.ts says which. */
const FilterType = Type.Enum([
  "RequestHeaderModifier",
  "ResponseHeaderModifier",
  "RequestRedirect",
  "RequestMirror",
  "URLRewrite",
  "CORS",
  "ExternalAuth",
  "ExtensionRef",
]);

const Filter = Type.Object({
  type: FilterType,
  requestHeaderModifier: Type.Optional(HeaderModifier),
  responseHeaderModifier: Type.Optional(HeaderModifier),
  requestRedirect: Type.Optional(Type.Object({
    scheme: Type.Optional(Type.Enum(["http", "https"])),
    hostname: Type.Optional(Type.String()),
    path: Type.Optional(Type.Object({
      type: Type.Enum(["ReplaceFullPath", "ReplacePrefixMatch"]),
      replaceFullPath: Type.Optional(Type.String()),
      replacePrefixMatch: Type.Optional(Type.String()),
    })),
    port: Type.Optional(Port),
    statusCode: Type.Optional(Type.Integer()),
  })),
});

/** The largest weight of a backend (Gateway API v1). */
const WEIGHT_MAX = 1_000_000;

/** Who gets requests, and with what share. */
const BackendRef = Type.Object({
  group: Type.Optional(Type.String()),
  kind: Type.Optional(Type.String()),
  name: Type.String({ minLength: 1 }),
  namespace: Type.Optional(Type.String({ minLength: 1 })),
  port: Type.Optional(Port),
  weight: Type.Optional(Type.Integer({
    minimum: 0,
    maximum: WEIGHT_MAX,
    description: `a whole number from 0 to ${WEIGHT_MAX}`,
  })),
});

const BackendRefs = Type.Optional(Type.Array(BackendRef));

const FilteredBackendRefs = Type.Optional(Type.Array(Type.Object({
  ...BackendRef.properties,
  filters: Type.Optional(Type.Array(Filter)),
})));

/** What HTTPRoutes and GRPCRoutes have in common. */
const Attached = {
  hostnames: Type.Optional(Type.Array(Type.String())),
  parentRefs: Type.Optional(Type.Array(ParentRef)),
};

/** An HTTPRoute of either group: backends, timeouts and retries are for clients, not for Servers. */
export const HttpRouteSchema = Type.Object({
  apiVersion: Type.Enum([
    "policy.linkerd.io/v1alpha1",
    "policy.linkerd.io/v1beta1",
    "policy.linkerd.io/v1beta2",
    "policy.linkerd.io/v1beta3",
    "gateway.networking.k8s.io/v1beta1",
    "gateway.networking.k8s.io/v1",
  ]),
  kind: Type.Literal("HTTPRoute"),
  metadata: Metadata,
  spec: Type.Object({
    ...Attached,
    rules: Type.Optional(Type.Array(Type.Object({
      matches: Type.Optional(Type.Array(HttpMatch)),
      filters: Type.Optional(Type.Array(Filter)),
      backendRefs: FilteredBackendRefs,
      timeouts: Type.Optional(Type.Object({
        request: Type.Optional(Type.String()),
        backendRequest: Type.Optional(Type.String()),
      })),
      // GEP-1731, of the experimental channel.
      retry: Type.Optional(Type.Object({
        codes: Type.Optional(Type.Array(Type.Integer())),
        attempts: Type.Optional(Type.Integer()),
        backoff: Type.Optional(Type.String()),
      })),
    }))),
  }),
});

/** A GRPCRoute (gateway.networking.k8s.io). */
export const GrpcRouteSchema = Type.Object({
  apiVersion: Type.Enum([
    "gateway.networking.k8s.io/v1alpha2",
    "gateway.networking.k8s.io/v1",
  ]),
  kind: Type.Literal("GRPCRoute"),
  metadata: Metadata,
  spec: Type.Object({
    ...Attached,
    rules: Type.Optional(Type.Array(Type.Object({
      matches: Type.Optional(Type.Array(GrpcMatch)),
      filters: Type.Optional(Type.Array(Filter)),
      backendRefs: FilteredBackendRefs,
    }))),
  }),
});

const StreamRules = Type.Optional(Type.Array(Type.Object({
  backendRefs: BackendRefs,
})));

/** A TLSRoute (gateway.networking.k8s.io): where TLS goes that is passed on as it is, by its server name. */
export const TlsRouteSchema = Type.Object({
  apiVersion: Type.Enum([
    "gateway.networking.k8s.io/v1alpha2",
    "gateway.networking.k8s.io/v1alpha3",
    "gateway.networking.k8s.io/v1",
  ]),
  kind: Type.Literal("TLSRoute"),
  metadata: Metadata,
  spec: Type.Object({ ...Attached, rules: StreamRules }),
});

/** A TCPRoute (gateway.networking.k8s.io): where bytes go that are not looked at. */
export const TcpRouteSchema = Type.Object({
  apiVersion: Type.Enum([
    "gateway.networking.k8s.io/v1alpha2",
    "gateway.networking.k8s.io/v1",
  ]),
  kind: Type.Literal("TCPRoute"),
  metadata: Metadata,
  spec: Type.Object({ parentRefs: Attached.parentRefs, rules: StreamRules }),
});

/** What of a route says where it belongs, however unreadable the rest of it is. */
export const RouteStubSchema = Type.Object({
  metadata: Metadata,
  spec: Type.Object({ parentRefs: Attached.parentRefs }),
});
