import type {
  Authorization,
  InboundGrpcRoute,
  InboundHttpRoute,
  ServerMeta,
  ServerPolicy,
} from "../../schemas/policy.ts";
import { type Filters, readyFilters } from "../route/filter.ts";
import {
  createGrpcTable,
  createHttpTable,
  type RouteTable,
  type Rule,
} from "../route/route-table.ts";
import { toServerMeta } from "../wire/common.ts";

/** A route of a server policy. */
export interface Route {
  readonly index: number;
  readonly meta: ServerMeta;
  /** Its own, beyond those of the Server. */
  readonly authorizations: readonly Authorization[];
}

/** What a request meets on its way in: the route it has, and what its rule does to it. */
export interface Ruling {
  readonly route: Route;
  /** Null when there are none. */
  readonly filters: Filters | null;
}

/** The routes of a policy, made ready to be found. */
export function createInboundTable(
  { protocol }: ServerPolicy,
): RouteTable<Ruling> {
  switch (protocol.kind) {
    case "detect":
    case "http1":
    case "http2":
      return createHttpTable(rulesOf(protocol.routes ?? DEFAULT_ROUTES));
    case "grpc":
      return protocol.routes === undefined
        ? createHttpTable(rulesOf(DEFAULT_ROUTES))
        : createGrpcTable(rulesOf(protocol.routes));
    case "opaque":
    case "tls":
      // HTTP of a connection from before the port became this.
      return createHttpTable(rulesOf(DEFAULT_ROUTES));
  }
}

/** Those of a policy that names none. */
const DEFAULT_ROUTES: readonly InboundHttpRoute[] = [{
  meta: { kind: "default", name: "default" },
  hosts: [],
  authorizations: [],
  rules: [{ matches: [], filters: [] }],
}];

function rulesOf<R extends InboundHttpRoute | InboundGrpcRoute>(
  routes: readonly R[],
): Rule<R["rules"][number]["matches"][number], Ruling>[] {
  return routes.flatMap(({ meta, hosts, authorizations, rules }, index) => {
    const route: Route = { index, meta: toServerMeta(meta), authorizations };
    return rules.map(({ matches, filters }) => ({
      hosts,
      matches,
      payload: { route, filters: readyFilters(filters) },
    }));
  });
}
