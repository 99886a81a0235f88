import type {
  GrpcFailure,
  HttpFailure,
  Ratio,
  Redirect,
  RequestHeaders,
  ResponseHeaders,
} from "../../schemas/route.ts";
import type { Reader } from "./reader.ts";

type Pairs = RequestHeaders["add"];

const ALWAYS: Ratio = { numerator: 1, denominator: 1 };

/** A `RequestHeaderModifier`; null when a part of it is not known. */
export function readRequestHeaders(reader: Reader): RequestHeaders | null {
  const change = readChange(reader);
  return change === null ? null : { kind: "request-headers", ...change };
}

/** A `ResponseHeaderModifier`; null when a part of it is not known. */
export function readResponseHeaders(reader: Reader): ResponseHeaders | null {
  const change = readChange(reader);
  return change === null ? null : { kind: "response-headers", ...change };
}

function readChange(reader: Reader): Omit<RequestHeaders, "kind"> | null {
  let add: Pairs = [];
  let set: Pairs = [];
  const remove: string[] = [];
  while (reader.next()) {
    if (reader.field === 1) add = [...add, ...reader.message(readHeaders)];
    else if (reader.field === 2) {
      set = [...set, ...reader.message(readHeaders)];
    } else if (reader.field === 3) remove.push(reader.string().toLowerCase());
    else return null;
  }
  return { add, set, remove };
}

function readHeaders(reader: Reader): Pairs {
  const headers: (readonly [string, string])[] = [];
  while (reader.next()) {
    if (reader.field === 1) headers.push(reader.message(readHeader));
    else reader.skip();
  }
  return headers;
}

function readHeader(reader: Reader): readonly [string, string] {
  let name = "";
  let value = "";
  while (reader.next()) {
    if (reader.field === 1) name = reader.string().toLowerCase();
    else if (reader.field === 2) value = reader.string();
    else reader.skip();
  }
  return [name, value];
}

/** A `RequestRedirect`; null when a part of it is not known. Absent parts are "" or 0. */
export function readRedirect(reader: Reader): Redirect | null {
  let scheme: string | null = null;
  let host = "";
  let path: Redirect["path"] = null;
  let port = 0;
  let status = 0;
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        scheme = reader.message(readScheme);
        if (scheme === null) return null;
        break;
      case 2:
        host = reader.string();
        break;
      case 3:
        path = reader.message(readPathModifier);
        if (path === null) return null;
        break;
      case 4:
        port = reader.uint32();
        break;
      case 5:
        status = reader.uint32();
        break;
      default:
        return null;
    }
  }
  return {
    kind: "redirect",
    scheme,
    host: host === "" ? null : host,
    path,
    port: port === 0 ? null : port,
    status: status >= 300 && status < 400 ? status : MOVED,
  };
}

/** The status of redirects that name none (facts 4.13). */
const MOVED = 301;

function readScheme(reader: Reader): string | null {
  let scheme: string | null = null;
  while (reader.next()) {
    if (reader.field === 1) scheme = ["http", "https"][reader.uint32()] ?? null;
    else if (reader.field === 2) scheme = reader.string();
    else return null;
  }
  return scheme;
}

function readPathModifier(reader: Reader): Redirect["path"] {
  let path: Redirect["path"] = null;
  while (reader.next()) {
    if (reader.field === 1) path = { kind: "full", path: reader.string() };
    else if (reader.field === 2) {
      path = { kind: "prefix", path: reader.string() };
    } else return null;
  }
  return path;
}

/** An `HttpFailureInjector`; null when a part is not known, or its status is none that could be sent. */
export function readHttpFailure(reader: Reader): HttpFailure | null {
  const failure = readFailure(reader);
  return failure === null || failure.status < 200 || failure.status > 599
    ? null
    : { kind: "failure", ...failure };
}

/** A `GrpcFailureInjector`; null when a part is not known. Linkerd's controller sends 500 for what is not there (facts 3.5). */
export function readGrpcFailure(reader: Reader): GrpcFailure | null {
  const failure = readFailure(reader);
  if (failure === null) return null;
  const { status, message, ratio } = failure;
  const code = status > LAST_CODE ? UNAVAILABLE : status;
  return { kind: "failure", code, message, ratio };
}

/** gRPC codes end with 16, unauthenticated. */
const LAST_CODE = 16;
const UNAVAILABLE = 14;

/** One without a ratio fails everything. */
function readFailure(
  reader: Reader,
): Omit<HttpFailure, "kind"> | null {
  let status = 0;
  let message = "";
  let ratio = ALWAYS;
  while (reader.next()) {
    if (reader.field === 1) status = reader.uint32();
    else if (reader.field === 2) message = reader.string();
    else if (reader.field === 3) ratio = reader.message(readRatio);
    else return null;
  }
  return { status, message, ratio };
}

function readRatio(reader: Reader): Ratio {
  let numerator = 0;
  let denominator = 0;
  while (reader.next()) {
    if (reader.field === 1) numerator = reader.uint32();
    else if (reader.field === 2) denominator = reader.uint32();
    else return ALWAYS;
  }
  return denominator === 0 ? ALWAYS : { numerator, denominator };
}

/** What takes the place of a filter that is not known here: no request goes on without it. */
export const UNKNOWN_HTTP_FILTER: HttpFailure = {
  kind: "failure",
  status: 500,
  message: "the route has a filter that is not known here",
  ratio: ALWAYS,
};
export const UNKNOWN_GRPC_FILTER: GrpcFailure = {
  kind: "failure",
  code: 13, // internal
  message: UNKNOWN_HTTP_FILTER.message,
  ratio: ALWAYS,
};
