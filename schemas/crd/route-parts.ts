import Type, { type TObject, type TSchema } from "typebox";
import type { PrinterColumn } from "./definition.ts";
import {
  Conditions,
  Group,
  Kind,
  Name,
  NamespaceName,
  PortNumber,
  withDefault,
} from "./parts.ts";

/** Gateway API's limits on lists of a route (v1). */
export const REFS_MAX = 32;
export const RULES_MAX = 16;
export const FILTERS_MAX = 16;
const FIELDS_MAX = 16;
const HOSTNAMES_MAX = 16;

/** RFC 9110 5.6.2. */
const TOKEN = "^[A-Za-z0-9!#$%&'*+\\-.^_\\x60|~]+$";

const HeaderName = Type.String({
  minLength: 1,
  maxLength: 256,
  pattern: TOKEN,
});
const HeaderValue = Type.String({ minLength: 1, maxLength: 4096 });

const DOMAIN =
  "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
/** The name of a part of an object. */
export const SectionName = Type.String({
  minLength: 1,
  maxLength: 253,
  pattern: `^${DOMAIN}$`,
});

/** A host name, and without a wildcard if it is to be sent. */
export const Hostname = Type.String({
  minLength: 1,
  maxLength: 253,
  pattern: `^${DOMAIN}$`,
});
export const Hostnames = Type.Array(
  Type.String({
    minLength: 1,
    maxLength: 253,
    pattern: `^(\\*\\.)?${DOMAIN}$`,
  }),
  { maxItems: HOSTNAMES_MAX },
);
export const HOSTNAMES_COLUMN: PrinterColumn = {
  name: "Hostnames",
  type: "string",
  jsonPath: ".spec.hostnames",
};

/** What a route hangs on; `port` came later than the rest. */
export function parentRef(group: string, hasPort: boolean): TSchema {
  return Type.Object({
    group: Type.Optional(withDefault(Group, group)),
    kind: Type.Optional(withDefault(Kind, "Gateway")),
    namespace: Type.Optional(NamespaceName),
    name: Name,
    sectionName: Type.Optional(SectionName),
    ...(hasPort ? { port: Type.Optional(PortNumber) } : {}),
  });
}

/** A match of one header or query parameter. */
function fieldMatch(name: TSchema, maxLength: number): TSchema {
  return Type.Object({
    type: Type.Optional(
      Type.Enum(["Exact", "RegularExpression"], { default: "Exact" }),
    ),
    name,
    value: Type.String({ minLength: 1, maxLength }),
  });
}

export const HeaderMatches = Type.Array(fieldMatch(HeaderName, 4096), {
  maxItems: FIELDS_MAX,
});

export const HttpMatch = Type.Object({
  path: Type.Optional(Type.Object({
    type: Type.Optional(
      Type.Enum(["Exact", "PathPrefix", "RegularExpression"], {
        default: "PathPrefix",
      }),
    ),
    value: Type.Optional(Type.String({ default: "/", maxLength: 1024 })),
  }, { default: { type: "PathPrefix", value: "/" } })),
  headers: Type.Optional(HeaderMatches),
  queryParams: Type.Optional(
    Type.Array(fieldMatch(HeaderName, 1024), { maxItems: FIELDS_MAX }),
  ),
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

/** What a rule matches that names no match: everything. */
export const MATCH_ALL = [{ path: { type: "PathPrefix", value: "/" } }];

const HeaderField = Type.Object({ name: HeaderName, value: HeaderValue });
export const HeaderModifier = Type.Object({
  set: Type.Optional(Type.Array(HeaderField, { maxItems: FIELDS_MAX })),
  add: Type.Optional(Type.Array(HeaderField, { maxItems: FIELDS_MAX })),
  remove: Type.Optional(Type.Array(Type.String(), { maxItems: FIELDS_MAX })),
});

export const PathModifier = Type.Object({
  type: Type.Enum(["ReplaceFullPath", "ReplacePrefixMatch"]),
  replaceFullPath: Type.Optional(Type.String({ maxLength: 1024 })),
  replacePrefixMatch: Type.Optional(Type.String({ maxLength: 1024 })),
});

export const Redirect = Type.Object({
  scheme: Type.Optional(Type.Enum(["http", "https"])),
  hostname: Type.Optional(Hostname),
  path: Type.Optional(PathModifier),
  port: Type.Optional(PortNumber),
  statusCode: Type.Optional(
    // Beyond 301 and 302 as of v1.4.
    Type.Integer({ enum: [301, 302, 303, 307, 308], default: 302 }),
  ),
});

/** Who a request goes to, and with what share; without filters where there is nothing to change. */
export function backendRef(filters?: TSchema): TObject {
  return Type.Object({
    group: Type.Optional(withDefault(Group, "")),
    kind: Type.Optional(withDefault(Kind, "Service")),
    namespace: Type.Optional(NamespaceName),
    name: Name,
    port: Type.Optional(PortNumber),
    weight: Type.Optional(Type.Integer({
      format: "int32",
      minimum: 0,
      maximum: 1_000_000,
      default: 1,
    })),
    ...filters === undefined ? {} : { filters: Type.Optional(filters) },
  });
}

/** What each parent's controller says of a route. */
export function routeStatus(parent: TSchema): TSchema {
  return Type.Object({
    parents: Type.Array(
      Type.Object({
        parentRef: parent,
        controllerName: Type.String({
          minLength: 1,
          maxLength: 253,
          pattern: `^${DOMAIN}\\/[A-Za-z0-9\\/\\-._~%!$&'()*+,;=:]+$`,
        }),
        conditions: Type.Optional(
          { ...Conditions, minItems: 1 } as TSchema,
        ),
      }),
      { maxItems: REFS_MAX },
    ),
  });
}
