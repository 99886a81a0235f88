import Type, { type TProperties, type TSchema } from "typebox";
import {
  AGE,
  type CrdDefinition,
  type CrdVersion,
  type PrinterColumn,
} from "./definition.ts";
import {
  Group,
  Kind,
  Name,
  NamespaceName,
  PortNumber,
  withDefault,
} from "./parts.ts";
import {
  backendRef,
  FILTERS_MAX,
  HeaderMatches,
  HeaderModifier,
  Hostname,
  Hostnames,
  HOSTNAMES_COLUMN,
  HttpMatch,
  MATCH_ALL,
  parentRef,
  PathModifier,
  Redirect,
  REFS_MAX,
  routeStatus,
  RULES_MAX,
  SectionName,
} from "./route-parts.ts";

const GROUP = "gateway.networking.k8s.io";
/** Release whose standard channel these fields are of. */
export const GATEWAY_API_VERSION = "v1.2.1";

const MATCHES_MAX = 64;
const BACKENDS_MAX = 16;

const Mirror = Type.Object({
  backendRef: Type.Object({
    group: Type.Optional(withDefault(Group, "")),
    kind: Type.Optional(withDefault(Kind, "Service")),
    namespace: Type.Optional(NamespaceName),
    name: Name,
    port: Type.Optional(PortNumber),
  }),
});
const SharedFilters = {
  requestHeaderModifier: Type.Optional(HeaderModifier),
  responseHeaderModifier: Type.Optional(HeaderModifier),
  requestMirror: Type.Optional(Mirror),
  extensionRef: Type.Optional(
    Type.Object({ group: Group, kind: Kind, name: Name }),
  ),
};

const HttpFilters = Type.Array(
  Type.Object({
    type: Type.Enum([
      "RequestHeaderModifier",
      "ResponseHeaderModifier",
      "RequestMirror",
      "RequestRedirect",
      "URLRewrite",
      "ExtensionRef",
    ]),
    ...SharedFilters,
    requestRedirect: Type.Optional(Redirect),
    urlRewrite: Type.Optional(Type.Object({
      hostname: Type.Optional(Hostname),
      path: Type.Optional(PathModifier),
    })),
  }),
  { maxItems: FILTERS_MAX },
);
const GrpcFilters = Type.Array(
  Type.Object({
    type: Type.Enum([
      "RequestHeaderModifier",
      "ResponseHeaderModifier",
      "RequestMirror",
      "ExtensionRef",
    ]),
    ...SharedFilters,
  }),
  { maxItems: FILTERS_MAX },
);

/** Gateway API's own form of durations (GEP-2257). */
const Span = Type.Optional(
  Type.String({ pattern: "^([0-9]{1,5}(h|m|s|ms)){1,4}$" }),
);

const HttpRule = Type.Object({
  name: Type.Optional(SectionName),
  matches: Type.Optional(
    Type.Array(HttpMatch, { maxItems: MATCHES_MAX, default: MATCH_ALL }),
  ),
  filters: Type.Optional(HttpFilters),
  backendRefs: Type.Optional(
    Type.Array(backendRef(HttpFilters), { maxItems: BACKENDS_MAX }),
  ),
  timeouts: Type.Optional(
    Type.Object({ request: Span, backendRequest: Span }),
  ),
});

const GrpcRule = Type.Object({
  name: Type.Optional(SectionName),
  matches: Type.Optional(Type.Array(
    Type.Object({
      method: Type.Optional(Type.Object({
        type: Type.Optional(
          Type.Enum(["Exact", "RegularExpression"], { default: "Exact" }),
        ),
        service: Type.Optional(Type.String({ maxLength: 1024 })),
        method: Type.Optional(Type.String({ maxLength: 1024 })),
      })),
      headers: Type.Optional(HeaderMatches),
    }),
    { maxItems: MATCHES_MAX },
  )),
  filters: Type.Optional(GrpcFilters),
  backendRefs: Type.Optional(
    Type.Array(backendRef(GrpcFilters), { maxItems: BACKENDS_MAX }),
  ),
});

function version(name: string, rules: TSchema): CrdVersion {
  return routeVersion(name, {
    hostnames: Type.Optional(Hostnames),
    rules: Type.Optional(rules),
  }, [HOSTNAMES_COLUMN, AGE]);
}

function routeVersion(
  name: string,
  fields: TProperties,
  columns: readonly PrinterColumn[],
): CrdVersion {
  const parent = parentRef(GROUP, true);
  return {
    name,
    hasStatusSubresource: true,
    columns,
    spec: Type.Object({
      parentRefs: Type.Optional(Type.Array(parent, { maxItems: REFS_MAX })),
      ...fields,
    }),
    status: routeStatus(parent),
  };
}

const HTTP_RULES = Type.Array(HttpRule, {
  maxItems: RULES_MAX,
  default: [{ matches: MATCH_ALL }],
});

/** Kinds of the Gateway API by which an install sees who brought it: fields of the standard channel, without its prose and CEL rules. */
export const GATEWAY_ROUTES: readonly CrdDefinition[] = [
  {
    group: GROUP,
    kind: "HTTPRoute",
    plural: "httproutes",
    categories: ["gateway-api"],
    versions: [version("v1beta1", HTTP_RULES), version("v1", HTTP_RULES)],
  },
  {
    group: GROUP,
    kind: "GRPCRoute",
    plural: "grpcroutes",
    categories: ["gateway-api"],
    versions: [
      version("v1", Type.Array(GrpcRule, { maxItems: RULES_MAX })),
    ],
  },
];

const Referrers = Type.Array(
  Type.Object({ group: Group, kind: Kind, namespace: NamespaceName }),
  { minItems: 1, maxItems: BACKENDS_MAX },
);
const Referents = Type.Array(
  Type.Object({ group: Group, kind: Kind, name: Type.Optional(Name) }),
  { minItems: 1, maxItems: BACKENDS_MAX },
);

/** Says which routes of other namespaces may send into one. */
export const REFERENCE_GRANT: CrdDefinition = {
  group: GROUP,
  kind: "ReferenceGrant",
  plural: "referencegrants",
  shortNames: ["refgrant"],
  categories: ["gateway-api"],
  versions: [{
    name: "v1beta1",
    columns: [AGE],
    spec: Type.Object({ from: Referrers, to: Referents }),
  }],
};

const StreamRules = Type.Array(
  Type.Object({
    name: Type.Optional(SectionName),
    backendRefs: Type.Optional(
      Type.Array(backendRef(), { minItems: 1, maxItems: BACKENDS_MAX }),
    ),
  }),
  { minItems: 1, maxItems: RULES_MAX },
);

/** Kinds that the release has in its experimental channel only, as Linkerd brings them. */
export const STREAM_ROUTES: readonly CrdDefinition[] = [
  {
    group: GROUP,
    kind: "TLSRoute",
    plural: "tlsroutes",
    categories: ["gateway-api"],
    versions: [
      routeVersion("v1alpha2", {
        hostnames: Type.Optional(Hostnames),
        rules: StreamRules,
      }, [AGE]),
    ],
  },
  {
    group: GROUP,
    kind: "TCPRoute",
    plural: "tcproutes",
    categories: ["gateway-api"],
    versions: [routeVersion("v1alpha2", { rules: StreamRules }, [AGE])],
  },
];
