import type {
  GrpcMatch,
  HostMatch,
  HttpMatch,
  NamedMatch,
  PathMatch,
} from "../../schemas/route.ts";
import { patternOf } from "../route/known-pattern.ts";
import type { Reader } from "./reader.ts";

/** No pattern at all: it stands for what is not understood, and might mean any request. */
const UNREADABLE: PathMatch = { kind: "regex", pattern: "(" };

/** What stands for a match with a part that is not known here; nobody is let through by it, nor past it. */
export const UNKNOWN_HTTP: HttpMatch = {
  path: UNREADABLE,
  headers: [],
  queryParams: [],
  method: null,
};
/** The same of a gRPC route; the header is one that every request has. */
export const UNKNOWN_GRPC: GrpcMatch = {
  service: null,
  method: null,
  headers: [{ name: "host", value: UNREADABLE }],
};

/** A match, as far as it is understood. */
export interface ReadMatch<M> {
  readonly match: M;
  /** Why nobody can tell which requests it means; null: it says. */
  readonly unclear: string | null;
}

const UNKNOWN_PART = "a route matches in a way not known here";

/** A `HostMatch` or `SniMatch`; null when it is of an unknown kind. */
export function readHost(reader: Reader): HostMatch | null {
  let match: HostMatch | null = null;
  while (reader.next()) {
    if (reader.field === 1) match = { kind: "exact", host: reader.string() };
    else if (reader.field === 2) {
      const suffix = reader.message(readReversed);
      if (suffix === null) return null;
      match = { kind: "suffix", suffix };
    } else return null;
  }
  return match;
}

/** Labels `["org", "example"]` mean `.example.org`. */
function readReversed(reader: Reader): string | null {
  let suffix = "";
  while (reader.next()) {
    if (reader.field !== 1) return null;
    suffix = `.${reader.string()}${suffix}`;
  }
  return suffix === "" ? null : suffix;
}

/** An `HttpRouteMatch`. */
export function readHttpMatch(reader: Reader): ReadMatch<HttpMatch> {
  let path: PathMatch | null = null;
  let method: string | null = null;
  const headers: NamedMatch[] = [];
  const queryParams: NamedMatch[] = [];
  const read = (): boolean => {
    switch (reader.field) {
      case 1:
        return (path = reader.message(readPath)) !== null;
      case 2:
        return keep(headers, reader.message(readHeader));
      case 3:
        return keep(queryParams, reader.message(readNamed));
      case 4:
        return (method = reader.message(readMethod)) !== null;
      default:
        return false;
    }
  };
  while (reader.next()) {
    if (!read()) return { match: UNKNOWN_HTTP, unclear: UNKNOWN_PART };
  }
  const match = { path, headers, queryParams, method };
  return { match, unclear: faultOf(match) };
}

/** A `GrpcRouteMatch`. */
export function readGrpcMatch(reader: Reader): ReadMatch<GrpcMatch> {
  let rpc: Pick<GrpcMatch, "service" | "method"> | null = {
    service: null,
    method: null,
  };
  const headers: NamedMatch[] = [];
  while (reader.next()) {
    // Reading what is inside moves the reader on to the fields there.
    const { field } = reader;
    if (field === 1) rpc = reader.message(readRpc);
    const known = field === 1
      ? rpc !== null
      : field === 2 && keep(headers, reader.message(readHeader));
    if (!known) return { match: UNKNOWN_GRPC, unclear: UNKNOWN_PART };
  }
  const unclear = faultOf({ path: null, headers, queryParams: [] });
  const match = { service: null, method: null, ...rpc, headers };
  return { match, unclear };
}

/** Names of "" are none. */
function readRpc(
  reader: Reader,
): Pick<GrpcMatch, "service" | "method"> | null {
  let service = "";
  let method = "";
  while (reader.next()) {
    if (reader.field === 1) service = reader.string();
    else if (reader.field === 2) method = reader.string();
    else return null;
  }
  return {
    service: service === "" ? null : service,
    method: method === "" ? null : method,
  };
}

function readPath(reader: Reader): PathMatch | null {
  let path: PathMatch | null = null;
  while (reader.next()) {
    if (reader.field === 1) path = { kind: "exact", path: reader.string() };
    else if (reader.field === 2) {
      path = { kind: "prefix", path: reader.string() };
    } else if (reader.field === 3) {
      path = { kind: "regex", pattern: reader.string() };
    } else return null;
  }
  return path;
}

/** A `HeaderMatch`: names of fields are compared in lower case. */
function readHeader(reader: Reader): NamedMatch | null {
  const match = readNamed(reader);
  return match === null ? null : { ...match, name: match.name.toLowerCase() };
}

/** A `HeaderMatch` or `QueryParamMatch`. */
function readNamed(reader: Reader): NamedMatch | null {
  let name = "";
  let value: NamedMatch["value"] | null = null;
  while (reader.next()) {
    if (reader.field === 1) name = reader.string();
    else if (reader.field === 2) {
      value = { kind: "exact", value: reader.string() };
    } else if (reader.field === 3) {
      value = { kind: "regex", pattern: reader.string() };
    } else return null;
  }
  return name === "" || value === null ? null : { name, value };
}

const METHODS = [
  ...["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"],
  ...["CONNECT", "HEAD", "TRACE"],
];

/** An `HttpMethod`; null for one that this version has no name for. */
export function readMethod(reader: Reader): string | null {
  let method: string | null = null;
  while (reader.next()) {
    if (reader.field === 1) method = METHODS[reader.uint32()] ?? null;
    else if (reader.field === 2) method = reader.string();
    else return null;
  }
  return method;
}

function keep(list: NamedMatch[], match: NamedMatch | null): boolean {
  if (match === null) return false;
  list.push(match);
  return true;
}

/** What is wrong with the first pattern that cannot be used; null: nothing. */
function faultOf(
  { path, headers, queryParams }: Omit<HttpMatch, "method">,
): string | null {
  for (
    const value of [path, ...[...headers, ...queryParams].map((of) => of.value)]
  ) {
    if (value?.kind !== "regex") continue;
    try {
      patternOf(value.pattern);
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }
  return null;
}
