import type {
  ClientRoute,
  ClientRule,
  Distribution,
  GrpcRoute,
  HttpRoute,
  Retry,
  Timeouts,
} from "../../schemas/client-policy.ts";
import type { Meta } from "../../schemas/policy.ts";
import type { HostMatch } from "../../schemas/route.ts";
import { describeMeta, type Notices, readMeta } from "./common.ts";
import { NO_BACKENDS, readDistribution } from "./outbound-backend.ts";
import { GRPC, HTTP, type RouteKind } from "./outbound-route-kind.ts";
import {
  NO_TIMEOUTS,
  readRequestTimeout,
  readRetry,
  readTimeouts,
} from "./outbound-retry.ts";
import type { Reader } from "./reader.ts";
import { readHost } from "./route-match.ts";

/** An `outbound.HttpRoute`. */
export function readHttpRoute(reader: Reader, notices: Notices): HttpRoute {
  return readRoute(reader, HTTP, notices);
}

/** An `outbound.GrpcRoute`. */
export function readGrpcRoute(reader: Reader, notices: Notices): GrpcRoute {
  return readRoute(reader, GRPC, notices);
}

/** A route with a host of an unknown kind takes requests to any, and fails them. */
function readRoute<M, F, C>(
  reader: Reader,
  kind: RouteKind<M, F, C>,
  notices: Notices,
): ClientRoute<M, F, C> {
  let meta: Meta = { kind: "default", name: "" };
  const hosts: HostMatch[] = [];
  const rules: ClientRule<M, F, C>[] = [];
  const found: Notices = new Set();
  let clear = true;
  while (reader.next()) {
    if (reader.field === 1) meta = reader.message(readMeta);
    else if (reader.field === 2) {
      const host = reader.message(readHost);
      if (host === null) clear = false;
      else hosts.push(host);
    } else if (reader.field === 3) {
      rules.push(...reader.message((at) => readRule(at, kind, found)));
    } else {
      found.add("a part that is not known here is left out");
      reader.skip();
    }
  }
  if (!clear) found.add("requests fail: it has a host not known here");
  for (const notice of found) notices.add(`${describeMeta(meta)}: ${notice}`);
  return clear
    ? { meta, hosts, rules }
    : { meta, hosts: [], rules: [failing(kind, [kind.unknownMatch])] };
}

/** A rule, and one more that fails the requests which a match of the rule might mean when nobody can tell. */
function readRule<M, F, C>(
  reader: Reader,
  kind: RouteKind<M, F, C>,
  notices: Notices,
): ClientRule<M, F, C>[] {
  const matches: M[] = [];
  const unclear: M[] = [];
  const filters: F[] = [];
  let backends: Distribution<F> = NO_BACKENDS;
  let timeouts: Timeouts = NO_TIMEOUTS;
  let requestMs: number | null = null;
  let retry: Retry<C> | null = null;
  let allowsRequestFields = false;
  while (reader.next()) {
    switch (reader.field) {
      case 1: {
        const read = reader.message(kind.readMatch);
        (read.unclear === null ? matches : unclear).push(read.match);
        if (read.unclear === null) break;
        notices.add(`requests fail that it might match: ${read.unclear}`);
        break;
      }
      case 2:
        filters.push(reader.message((at) => kind.readFilter(at, notices)));
        break;
      case 3:
        backends = reader.message((at) =>
          readDistribution(at, kind.readFilter, notices)
        );
        break;
      case 4:
        requestMs = reader.message(readRequestTimeout);
        break;
      case 5:
        timeouts = reader.message(readTimeouts);
        break;
      case 6:
        retry = reader.message((at) =>
          readRetry(at, kind.noConditions, kind.readConditions, notices)
        );
        break;
      case 7:
        allowsRequestFields = reader.bool();
        break;
      default:
        notices.add("a part of a rule that is not known here is left out");
        reader.skip();
    }
  }
  const rule: ClientRule<M, F, C> = {
    matches,
    filters,
    backends,
    // Older controllers say the one timeout there was in a field of its own.
    timeouts: { ...timeouts, requestMs: timeouts.requestMs ?? requestMs },
    retry,
    allowsRequestFields,
  };
  if (unclear.length === 0) return [rule];
  const failed = failing(kind, unclear);
  return matches.length === 0 ? [failed] : [rule, failed];
}

function failing<M, F, C>(
  kind: RouteKind<M, F, C>,
  matches: readonly M[],
): ClientRule<M, F, C> {
  return {
    matches,
    filters: [kind.failure],
    backends: NO_BACKENDS,
    timeouts: NO_TIMEOUTS,
    retry: null,
    allowsRequestFields: false,
  };
}
