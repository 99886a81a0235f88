import type { GrpcRoute, HttpRoute, Route } from "../../schemas/kube.ts";
import type { InboundGrpcRule, InboundHttpRule } from "../../schemas/policy.ts";
import type {
  GrpcMatch,
  HostMatch,
  HttpMatch,
  NamedMatch,
  PathMatch,
  Redirect,
  RequestHeaders,
} from "../../schemas/route.ts";

type HttpFilter = NonNullable<
  NonNullable<HttpRoute["spec"]["rules"]>[number]["filters"]
>[number];
type KubeMatch = NonNullable<
  NonNullable<HttpRoute["spec"]["rules"]>[number]["matches"]
>[number];
type KubeGrpcMatch = NonNullable<
  NonNullable<GrpcRoute["spec"]["rules"]>[number]["matches"]
>[number];
interface Hosted {
  readonly spec: { readonly hostnames?: readonly string[] };
}
type FieldMatch = NonNullable<KubeMatch["headers"]>[number];

/** Of every request. */
export const ALWAYS = { numerator: 1, denominator: 1 } as const;

/** Denies a request that matches: what is to be done to it cannot be done. */
export const FORBID_HTTP = {
  kind: "failure",
  status: 403,
  message: "this route cannot be used as it is written",
  ratio: ALWAYS,
} as const;

/** The same for gRPC: PERMISSION_DENIED. */
export const FORBID_GRPC = {
  kind: "failure",
  code: 7,
  message: FORBID_HTTP.message,
  ratio: ALWAYS,
} as const;

/** Every request; a path with it, as the API server would add. */
export const ANY_PATH: HttpMatch = {
  path: { kind: "prefix", path: "/" },
  headers: [],
  queryParams: [],
  method: null,
};

/** The rules of an HTTPRoute, with the defaults of its schema: a route without rules and a rule without matches take all. */
export function httpRules({ spec }: HttpRoute): InboundHttpRule[] {
  return (spec.rules ?? [{}]).map(({ matches = [], filters = [] }) => ({
    matches: matches.length === 0 ? [ANY_PATH] : matches.map(toHttpMatch),
    filters: filters.flatMap((filter) => {
      if (filter.type === "ResponseHeaderModifier") return [];
      return [toHeaders(filter) ?? toRedirect(filter) ?? FORBID_HTTP];
    }),
  }));
}

/** The rules of a GRPCRoute; one without rules takes no call. */
export function grpcRules({ spec }: GrpcRoute): InboundGrpcRule[] {
  return (spec.rules ?? []).map(({ matches = [], filters = [] }) => ({
    matches: matches.map(toGrpcMatch),
    filters: filters.flatMap((filter) =>
      filter.type === "ResponseHeaderModifier"
        ? []
        : [toHeaders(filter) ?? FORBID_GRPC]
    ),
  }));
}

/** Types of filters that deny (or, of responses, do nothing), because a proxy cannot do them to what it receives. */
export function filtersNotDone({ kind, spec }: Route): string[] {
  const done = kind === "HTTPRoute"
    ? ["RequestHeaderModifier", "RequestRedirect"]
    : ["RequestHeaderModifier"];
  const types = (spec.rules ?? []).flatMap(({ filters = [] }) =>
    filters.map(({ type }) => type)
  );
  return [...new Set(types)].filter((type) => !done.includes(type));
}

/** The hosts of a route, or server names. */
export function hostsOf({ spec }: Hosted): HostMatch[] {
  return (spec.hostnames ?? []).map((text) => {
    const host = text.toLowerCase();
    return host.startsWith("*.")
      ? { kind: "suffix", suffix: host.slice(1) }
      : { kind: "exact", host };
  });
}

/** Which requests a match is for. */
export function toHttpMatch(
  { path, headers = [], queryParams = [], method }: KubeMatch,
): HttpMatch {
  return {
    path: toPathMatch(path),
    headers: headers.map(toHeaderMatch),
    queryParams: queryParams.map(toNamedMatch),
    method: method ?? null,
  };
}

function toPathMatch(
  { type = "PathPrefix", value = "/" }: NonNullable<KubeMatch["path"]> = {},
): PathMatch {
  switch (type) {
    case "Exact":
      return { kind: "exact", path: value };
    case "PathPrefix":
      return { kind: "prefix", path: value };
    case "RegularExpression":
      return { kind: "regex", pattern: value };
  }
}

/** Which calls a match is for. */
export function toGrpcMatch(
  { method, headers = [] }: KubeGrpcMatch,
): GrpcMatch {
  return {
    service: method?.service || null,
    method: method?.method || null,
    headers: headers.map(toHeaderMatch),
  };
}

function toHeaderMatch(match: FieldMatch): NamedMatch {
  return { ...toNamedMatch(match), name: match.name.toLowerCase() };
}

function toNamedMatch({ type, name, value }: FieldMatch): NamedMatch {
  return {
    name,
    value: type === "RegularExpression"
      ? { kind: "regex", pattern: value }
      : { kind: "exact", value },
  };
}

/** A change of a request's headers; null when the filter is none. */
export function toHeaders(
  { type, requestHeaderModifier }: HttpFilter,
): RequestHeaders | null {
  return type === "RequestHeaderModifier"
    ? { kind: "request-headers", ...headerChanges(requestHeaderModifier) }
    : null;
}

/** Changes of headers, by lower-case name. */
export function headerChanges(
  { add = [], set = [], remove = [] }: HttpFilter["requestHeaderModifier"] = {},
): Omit<RequestHeaders, "kind"> {
  const pair = ({ name, value }: { name: string; value: string }) =>
    [name.toLowerCase(), value] as const;
  return {
    add: add.map(pair),
    set: set.map(pair),
    remove: remove.map((name) => name.toLowerCase()),
  };
}

/** Another address; null when the filter is none. */
export function toRedirect(
  { type, requestRedirect }: HttpFilter,
): Redirect | null {
  if (type !== "RequestRedirect" || requestRedirect === undefined) return null;
  const { scheme, hostname, path, port, statusCode } = requestRedirect;
  return {
    kind: "redirect",
    scheme: scheme ?? null,
    host: hostname ?? null,
    path: toPathChange(path),
    port: port ?? null,
    status: statusCode ?? 302,
  };
}

function toPathChange(
  path: NonNullable<HttpFilter["requestRedirect"]>["path"],
): Redirect["path"] {
  if (path === undefined) return null;
  return path.type === "ReplaceFullPath"
    ? { kind: "full", path: path.replaceFullPath ?? "/" }
    : { kind: "prefix", path: path.replacePrefixMatch ?? "/" };
}
