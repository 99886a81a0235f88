import type {
  GrpcFilter,
  HttpFilter,
  StatusRange,
} from "../../schemas/client-policy.ts";
import type { GrpcMatch, HttpMatch } from "../../schemas/route.ts";
import type { Notices } from "./common.ts";
import { readGrpcConditions, readHttpConditions } from "./outbound-retry.ts";
import type { Reader } from "./reader.ts";
import {
  readGrpcFailure,
  readHttpFailure,
  readRedirect,
  readRequestHeaders,
  readResponseHeaders,
  UNKNOWN_GRPC_FILTER,
  UNKNOWN_HTTP_FILTER,
} from "./route-filter.ts";
import {
  readGrpcMatch,
  readHttpMatch,
  type ReadMatch,
  UNKNOWN_GRPC,
  UNKNOWN_HTTP,
} from "./route-match.ts";

/** What HTTP and gRPC routes do not have in common: their matches, filters, and conditions of retries. */
export interface RouteKind<M, F, C> {
  readonly readMatch: (reader: Reader) => ReadMatch<M>;
  readonly unknownMatch: M;
  readonly readFilter: (reader: Reader, notices: Notices) => F;
  /** Answers what a rule takes that nobody understands (facts 4.13). */
  readonly failure: F;
  readonly readConditions: (reader: Reader, notices: Notices) => C;
  readonly noConditions: C;
}

const INVALID = "invalid client policy configuration";

export const HTTP: RouteKind<HttpMatch, HttpFilter, readonly StatusRange[]> = {
  readMatch: readHttpMatch,
  unknownMatch: UNKNOWN_HTTP,
  readFilter: readHttpFilter,
  failure: { ...UNKNOWN_HTTP_FILTER, message: INVALID },
  readConditions: readHttpConditions,
  noConditions: [],
};

export const GRPC: RouteKind<GrpcMatch, GrpcFilter, ReadonlySet<number>> = {
  readMatch: readGrpcMatch,
  unknownMatch: UNKNOWN_GRPC,
  readFilter: readGrpcFilter,
  failure: { ...UNKNOWN_GRPC_FILTER, message: INVALID },
  readConditions: readGrpcConditions,
  noConditions: new Set(),
};

/** An `outbound.HttpRoute.Filter`. */
function readHttpFilter(reader: Reader, notices: Notices): HttpFilter {
  let filter: HttpFilter | null = null;
  while (reader.next()) {
    const read = HTTP_FILTERS[reader.field];
    filter = read === undefined ? null : reader.message(read);
    if (filter === null) break;
  }
  return filter ?? noted(UNKNOWN_HTTP_FILTER, notices);
}

const HTTP_FILTERS: Readonly<
  Record<number, (reader: Reader) => HttpFilter | null>
> = {
  1: readHttpFailure,
  2: readRequestHeaders,
  3: readRedirect,
  4: readResponseHeaders,
};

/** An `outbound.GrpcRoute.Filter`. */
function readGrpcFilter(reader: Reader, notices: Notices): GrpcFilter {
  let filter: GrpcFilter | null = null;
  while (reader.next()) {
    filter = reader.field === 1
      ? reader.message(readGrpcFailure)
      : reader.field === 2
      ? reader.message(readRequestHeaders)
      : null;
    if (filter === null) break;
  }
  return filter ?? noted(UNKNOWN_GRPC_FILTER, notices);
}

function noted<F>(unknown: F, notices: Notices): F {
  notices.add("requests fail: a filter is not known here");
  return unknown;
}
