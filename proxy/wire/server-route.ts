import type {
  Authorization,
  InboundGrpcRoute,
  InboundGrpcRule,
  InboundHttpRoute,
  InboundHttpRule,
  Meta,
} from "../../schemas/policy.ts";
import type { GrpcMatch, HostMatch, HttpMatch } from "../../schemas/route.ts";
import { type Notices, readMeta } from "./common.ts";
import type { Reader } from "./reader.ts";
import {
  readGrpcFailure,
  readHttpFailure,
  readRedirect,
  readRequestHeaders,
  UNKNOWN_GRPC_FILTER,
  UNKNOWN_HTTP_FILTER,
} from "./route-filter.ts";
import {
  readGrpcMatch,
  readHost,
  readHttpMatch,
  type ReadMatch,
  UNKNOWN_GRPC,
  UNKNOWN_HTTP,
} from "./route-match.ts";
import { readAuthorization } from "./server-authorization.ts";

/**
 * An `inbound.HttpRoute`. Of one with a part that is not known nobody can tell which requests it takes and what it asks
 * of them: it takes all that it might mean, and lets none through.
 */
export function readHttpRoute(
  reader: Reader,
  notices: Notices,
): InboundHttpRoute {
  return readRoute<InboundHttpRule>(reader, notices, readHttpRule, {
    matches: [UNKNOWN_HTTP],
    filters: [UNKNOWN_HTTP_FILTER],
  });
}

/** An `inbound.GrpcRoute`; see `readHttpRoute`. */
export function readGrpcRoute(
  reader: Reader,
  notices: Notices,
): InboundGrpcRoute {
  return readRoute<InboundGrpcRule>(reader, notices, readGrpcRule, {
    matches: [UNKNOWN_GRPC],
    filters: [UNKNOWN_GRPC_FILTER],
  });
}

interface Route<R> {
  readonly meta: Meta;
  readonly hosts: readonly HostMatch[];
  readonly authorizations: readonly Authorization[];
  readonly rules: readonly R[];
}

function readRoute<R>(
  reader: Reader,
  notices: Notices,
  readRule: (reader: Reader, notices: Notices) => R | null,
  unknown: R,
): Route<R> {
  let meta: Meta = { kind: "default", name: "" };
  const hosts: HostMatch[] = [];
  const authorizations: Authorization[] = [];
  const rules: R[] = [];
  let usable = true;
  while (reader.next()) {
    if (reader.field === 1) meta = reader.message(readMeta);
    else if (reader.field === 2) {
      const host = reader.message(readHost);
      if (host === null) usable = false;
      else hosts.push(host);
    } else if (reader.field === 3) {
      const authorization = reader.message(readAuthorization);
      if (authorization !== null) authorizations.push(authorization);
      else notices.add("authorization left out: of a kind not known here");
    } else if (reader.field === 4) {
      const rule = reader.message((at) => readRule(at, notices));
      if (rule === null) usable = false;
      else rules.push(rule);
    } else {
      usable = false;
      reader.skip();
    }
  }
  if (usable) return { meta, hosts, authorizations, rules };
  notices.add("requests denied: a route has a part that is not known here");
  return { meta, hosts: [], authorizations: [], rules: [unknown] };
}

function readHttpRule(
  reader: Reader,
  notices: Notices,
): InboundHttpRule | null {
  const matches: HttpMatch[] = [];
  const filters: InboundHttpRule["filters"][number][] = [];
  while (reader.next()) {
    if (reader.field === 1) {
      matches.push(noted(reader.message(readHttpMatch), notices));
    } else if (reader.field === 2) {
      const filter = reader.message(readHttpFilter);
      if (filter === UNKNOWN_HTTP_FILTER) notices.add(UNKNOWN_FILTER);
      filters.push(filter);
    } else return null;
  }
  return { matches, filters };
}

/** The match, which denies whatever it might mean when that is not clear. */
function noted<M>({ match, unclear }: ReadMatch<M>, notices: Notices): M {
  if (unclear !== null) {
    notices.add(`requests denied that a route might match: ${unclear}`);
  }
  return match;
}

const UNKNOWN_FILTER =
  "requests of a route fail: it has a filter that is not known here";

function readHttpFilter(reader: Reader): InboundHttpRule["filters"][number] {
  let filter: InboundHttpRule["filters"][number] | null = null;
  while (reader.next()) {
    if (reader.field === 1) filter = reader.message(readHttpFailure);
    else if (reader.field === 2) filter = reader.message(readRequestHeaders);
    else if (reader.field === 3) filter = reader.message(readRedirect);
    else return UNKNOWN_HTTP_FILTER;
  }
  return filter ?? UNKNOWN_HTTP_FILTER;
}

function readGrpcRule(
  reader: Reader,
  notices: Notices,
): InboundGrpcRule | null {
  const matches: GrpcMatch[] = [];
  const filters: InboundGrpcRule["filters"][number][] = [];
  while (reader.next()) {
    if (reader.field === 1) {
      matches.push(noted(reader.message(readGrpcMatch), notices));
    } else if (reader.field === 2) {
      const filter = reader.message(readGrpcFilter);
      if (filter === UNKNOWN_GRPC_FILTER) notices.add(UNKNOWN_FILTER);
      filters.push(filter);
    } else return null;
  }
  return { matches, filters };
}

function readGrpcFilter(reader: Reader): InboundGrpcRule["filters"][number] {
  let filter: InboundGrpcRule["filters"][number] | null = null;
  while (reader.next()) {
    if (reader.field === 1) filter = reader.message(readGrpcFailure);
    else if (reader.field === 2) filter = reader.message(readRequestHeaders);
    else return UNKNOWN_GRPC_FILTER;
  }
  return filter ?? UNKNOWN_GRPC_FILTER;
}
