import type {
  Distribution,
  OpaqueRoute,
  TcpFilter,
  TcpRule,
  TlsRoute,
} from "../../schemas/client-policy.ts";
import type { Meta } from "../../schemas/policy.ts";
import type { HostMatch } from "../../schemas/route.ts";
import { describeMeta, type Notices, readMeta } from "./common.ts";
import { readOnlyText } from "./endpoint.ts";
import { NO_BACKENDS, readDistribution } from "./outbound-backend.ts";
import type { Reader } from "./reader.ts";
import { readHost } from "./route-match.ts";

/** Of a policy that names no route for bytes: they go nowhere. */
export const NO_OPAQUE_ROUTE: OpaqueRoute = {
  meta: { kind: "default", name: "none" },
  rule: null,
};

/** A `ProxyProtocol.Opaque`: controllers send one route (facts 3.3), and one is used. */
export function readOpaque(reader: Reader, notices: Notices): OpaqueRoute {
  const routes = readRoutes(reader, notices);
  if (routes.length > 1) notices.add("of routes for bytes the first is used");
  const [first] = routes;
  return first === undefined
    ? NO_OPAQUE_ROUTE
    : { meta: first.meta, rule: first.rule };
}

/** A `ProxyProtocol.Tls`. */
export function readTls(
  reader: Reader,
  notices: Notices,
): readonly TlsRoute[] {
  return readRoutes(reader, notices);
}

function readRoutes(reader: Reader, notices: Notices): TlsRoute[] {
  const routes: TlsRoute[] = [];
  while (reader.next()) {
    if (reader.field === 1) {
      routes.push(reader.message((at) => readRoute(at, notices)));
    } else reader.skip();
  }
  return routes;
}

/** An `OpaqueRoute` or `TlsRoute`: the one lacks what the other has in field 2. Only the first rule is used (facts 4.13). */
function readRoute(reader: Reader, notices: Notices): TlsRoute {
  let meta: Meta = { kind: "default", name: "" };
  const snis: HostMatch[] = [];
  const rules: TcpRule[] = [];
  const found: Notices = new Set();
  let clear = true;
  while (reader.next()) {
    if (reader.field === 1) meta = reader.message(readMeta);
    else if (reader.field === 2) {
      const sni = reader.message(readHost);
      if (sni === null) clear = false;
      else snis.push(sni);
    } else if (reader.field === 3) {
      rules.push(reader.message((at) => readRule(at, found)));
    } else {
      found.add("a part that is not known here is left out");
      reader.skip();
    }
  }
  if (rules.length > 1) found.add("only its first rule is used");
  if (!clear) found.add("connections fail: it has a name not known here");
  for (const notice of found) notices.add(`${describeMeta(meta)}: ${notice}`);
  return clear
    ? { meta, snis, rule: rules[0] ?? null }
    : { meta, snis: [], rule: { filters: [INVALID], backends: NO_BACKENDS } };
}

function readRule(reader: Reader, notices: Notices): TcpRule {
  let backends: Distribution<TcpFilter> = NO_BACKENDS;
  const filters: TcpFilter[] = [];
  while (reader.next()) {
    if (reader.field === 1) {
      backends = reader.message((at) =>
        readDistribution(at, readFilter, notices)
      );
    } else if (reader.field === 2) {
      filters.push(reader.message((at) => readFilter(at, notices)));
    } else {
      notices.add("a part of a rule that is not known here is left out");
      reader.skip();
    }
  }
  return { filters, backends };
}

const INVALID: TcpFilter = {
  kind: "invalid",
  message: "invalid client policy configuration",
};

/** An `OpaqueRoute.Filter` or `TlsRoute.Filter`: both refuse. */
function readFilter(reader: Reader, notices: Notices): TcpFilter {
  let filter: TcpFilter | null = null;
  while (reader.next()) {
    if (reader.field === 1) {
      filter = { kind: "invalid", message: reader.message(readOnlyText) };
    } else if (reader.field === 2) {
      filter = { kind: "forbidden" };
      reader.skip();
    } else {
      filter = null;
      reader.skip();
    }
  }
  if (filter !== null) return filter;
  notices.add("connections fail: a filter is not known here");
  return INVALID;
}
