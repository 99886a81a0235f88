import Type, { type TSchema } from "typebox";
import { AGE, type CrdDefinition, type CrdVersion } from "./definition.ts";
import { Name, PortNumber } from "./parts.ts";
import {
  backendRef,
  FILTERS_MAX,
  HeaderModifier,
  Hostnames,
  HOSTNAMES_COLUMN,
  HttpMatch,
  MATCH_ALL,
  parentRef,
  Redirect,
  REFS_MAX,
  routeStatus,
  RULES_MAX,
} from "./route-parts.ts";

const GROUP = "policy.linkerd.io";
const MATCHES_MAX = 8;
const BACKENDS_MAX = 16;

function filters(types: readonly string[]): TSchema {
  return Type.Array(
    Type.Object({
      type: Type.Enum([...types]),
      requestHeaderModifier: Type.Optional(HeaderModifier),
      ...(types.includes("ResponseHeaderModifier")
        ? { responseHeaderModifier: Type.Optional(HeaderModifier) }
        : {}),
      requestRedirect: Type.Optional(Redirect),
    }),
    { maxItems: FILTERS_MAX },
  );
}

/** As backends have had them all along, so that a rule can change responses as well. */
const FILTERS = filters([
  "RequestHeaderModifier",
  "ResponseHeaderModifier",
  "RequestRedirect",
]);

/** Backends as the first two versions had them. */
const EARLY_BACKENDS = Type.Array(Type.Object({
  name: Name,
  namespace: Type.Optional(Type.String({ default: "default" })),
  port: Type.Optional(PortNumber),
  filters: Type.Optional(FILTERS),
}));
const BACKENDS = Type.Array(backendRef(FILTERS), {
  maxItems: BACKENDS_MAX,
});

/** A Go duration, by pattern: Kubernetes' and JSON Schema's `format: duration` mean different things. */
const Span = Type.Optional(
  Type.String({ pattern: "^(0|([0-9]+(\\.[0-9]+)?(ns|us|ms|s|m|h))+)$" }),
);

/** What later versions added to the first. */
interface Additions {
  readonly backends: TSchema;
  readonly hasParentPort: boolean;
  readonly hasTimeouts: boolean;
}

function version(name: string, additions: Additions): CrdVersion {
  const { backends, hasParentPort, hasTimeouts } = additions;
  const parent = parentRef(GROUP, hasParentPort);
  return {
    name,
    hasStatusSubresource: true,
    columns: [HOSTNAMES_COLUMN, AGE],
    spec: Type.Object({
      parentRefs: Type.Optional(Type.Array(parent, { maxItems: REFS_MAX })),
      hostnames: Type.Optional(Hostnames),
      rules: Type.Optional(Type.Array(
        Type.Object({
          matches: Type.Optional(Type.Array(HttpMatch, {
            maxItems: MATCHES_MAX,
            default: MATCH_ALL,
          })),
          filters: Type.Optional(FILTERS),
          backendRefs: Type.Optional(backends),
          ...(hasTimeouts
            ? {
              timeouts: Type.Optional(
                Type.Object({ request: Span, backendRequest: Span }),
              ),
            }
            : {}),
        }),
        { maxItems: RULES_MAX, default: [{ matches: MATCH_ALL }] },
      )),
    }),
    status: routeStatus(parent),
  };
}

const EARLY = {
  backends: EARLY_BACKENDS,
  hasParentPort: false,
  hasTimeouts: false,
};

/** Linkerd's own HTTPRoute, from before Gateway API had all it needed. */
export const HTTP_ROUTE: CrdDefinition = {
  group: GROUP,
  kind: "HTTPRoute",
  plural: "httproutes",
  versions: [
    version("v1alpha1", EARLY),
    version("v1beta1", EARLY),
    version("v1beta2", {
      backends: BACKENDS,
      hasParentPort: true,
      hasTimeouts: false,
    }),
    version("v1beta3", {
      backends: BACKENDS,
      hasParentPort: true,
      hasTimeouts: true,
    }),
  ],
};
