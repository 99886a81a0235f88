import type { MessageInitShape } from "@bufbuild/protobuf";
import type { GrpcRouteMatchSchema } from "../../../schemas/proto/gen/grpc_route_pb.ts";
import type {
  HeaderMatchSchema,
  HttpRouteMatchSchema,
  PathMatchSchema,
  QueryParamMatchSchema,
  RequestRedirectSchema,
} from "../../../schemas/proto/gen/http_route_pb.ts";
import {
  HttpMethod_Registered,
  type HttpMethodSchema,
  Scheme_Registered,
  type SchemeSchema,
} from "../../../schemas/proto/gen/http_types_pb.ts";
import type {
  GrpcFailure,
  GrpcMatch,
  HostMatch,
  HttpMatch,
  NamedMatch,
  PathMatch,
  Redirect,
  RequestHeaders,
} from "../../../schemas/route.ts";

const encoder = new TextEncoder();

/** A host or server name, in the form that messages of both share. */
interface HostMessage {
  readonly match:
    | { readonly case: "exact"; readonly value: string }
    | {
      readonly case: "suffix";
      readonly value: { readonly reverseLabels: string[] };
    };
}

/** A host; the labels of a suffix go from the last to the first. */
export function toHost(host: HostMatch): HostMessage {
  if (host.kind === "exact") {
    return { match: { case: "exact", value: host.host } };
  }
  const reverseLabels = host.suffix.split(".").filter(Boolean).reverse();
  return { match: { case: "suffix", value: { reverseLabels } } };
}

/** What requests a rule is for. */
export function toHttpMatch(
  { path, headers, queryParams, method }: HttpMatch,
): MessageInitShape<typeof HttpRouteMatchSchema> {
  return {
    ...path === null ? {} : { path: toPath(path) },
    headers: headers.map(toHeader),
    queryParams: queryParams.map(toQueryParam),
    ...method === null ? {} : { method: toMethod(method) },
  };
}

/** What calls a rule is for; an empty text is no demand. */
export function toGrpcMatch(
  { service, method, headers }: GrpcMatch,
): MessageInitShape<typeof GrpcRouteMatchSchema> {
  return {
    rpc: { service: service ?? "", method: method ?? "" },
    headers: headers.map(toHeader),
  };
}

interface FieldsMessage {
  readonly headers: { readonly name: string; readonly value: Uint8Array }[];
}

/** Changes of header fields, in the form that messages for requests and responses share. */
export function toHeaderChange(
  { add, set, remove }: Omit<RequestHeaders, "kind">,
): {
  readonly add: FieldsMessage;
  readonly set: FieldsMessage;
  readonly remove: string[];
} {
  const fields = (pairs: RequestHeaders["add"]): FieldsMessage => ({
    headers: pairs.map(([name, value]) => ({
      name,
      value: encoder.encode(value),
    })),
  });
  return { add: fields(add), set: fields(set), remove: [...remove] };
}

/** A filter of calls; routes of both directions have the same. */
export function toGrpcFilter(
  filter: RequestHeaders | GrpcFailure,
): { readonly kind: HeaderChange | Failure } {
  if (filter.kind === "request-headers") {
    const value = toHeaderChange(filter);
    return { kind: { case: "requestHeaderModifier", value } };
  }
  const { code, message, ratio } = filter;
  const value = { code, message, ratio };
  return { kind: { case: "failureInjector", value } };
}

interface HeaderChange {
  readonly case: "requestHeaderModifier";
  readonly value: ReturnType<typeof toHeaderChange>;
}

interface Failure {
  readonly case: "failureInjector";
  readonly value: Omit<GrpcFailure, "kind">;
}

/** Another address. */
export function toRedirect(
  { scheme, host, path, port, status }: Redirect,
): MessageInitShape<typeof RequestRedirectSchema> {
  return {
    ...scheme === null ? {} : { scheme: toScheme(scheme) },
    host: host ?? "",
    ...path === null
      ? {}
      : { path: { replace: { case: path.kind, value: path.path } } },
    port: port ?? 0,
    status,
  };
}

function toPath(path: PathMatch): MessageInitShape<typeof PathMatchSchema> {
  return path.kind === "regex"
    ? { kind: { case: "regex", value: path.pattern } }
    : { kind: { case: path.kind, value: path.path } };
}

function toHeader(
  { name, value }: NamedMatch,
): MessageInitShape<typeof HeaderMatchSchema> {
  return value.kind === "regex"
    ? { name, value: { case: "regex", value: value.pattern } }
    : { name, value: { case: "exact", value: encoder.encode(value.value) } };
}

function toQueryParam(
  { name, value }: NamedMatch,
): MessageInitShape<typeof QueryParamMatchSchema> {
  return value.kind === "regex"
    ? { name, value: { case: "regex", value: value.pattern } }
    : { name, value: { case: "exact", value: value.value } };
}

const METHODS: Readonly<Record<string, HttpMethod_Registered>> = {
  GET: HttpMethod_Registered.GET,
  POST: HttpMethod_Registered.POST,
  PUT: HttpMethod_Registered.PUT,
  DELETE: HttpMethod_Registered.DELETE,
  PATCH: HttpMethod_Registered.PATCH,
  OPTIONS: HttpMethod_Registered.OPTIONS,
  CONNECT: HttpMethod_Registered.CONNECT,
  HEAD: HttpMethod_Registered.HEAD,
  TRACE: HttpMethod_Registered.TRACE,
};

/** A method as requests name it. */
export function toMethod(
  method: string,
): MessageInitShape<typeof HttpMethodSchema> {
  const value = METHODS[method];
  return value === undefined
    ? { type: { case: "unregistered", value: method } }
    : { type: { case: "registered", value } };
}

function toScheme(scheme: string): MessageInitShape<typeof SchemeSchema> {
  switch (scheme) {
    case "http":
      return { type: { case: "registered", value: Scheme_Registered.HTTP } };
    case "https":
      return { type: { case: "registered", value: Scheme_Registered.HTTPS } };
    default:
      return { type: { case: "unregistered", value: scheme } };
  }
}
