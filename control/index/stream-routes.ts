import type {
  Backend,
  Distribution,
  OpaqueRoute,
  TcpFilter,
  TlsRoute as ClientTlsRoute,
} from "../../schemas/client-policy.ts";
import type { TcpRoute, TlsRoute } from "../../schemas/kube.ts";
import type { Dialect } from "./client-filters.ts";
import {
  distribute,
  metaOf,
  refusalOf,
  type RouteTarget,
} from "./client-routes.ts";
import { hostsOf } from "./route-rules.ts";
import type { State } from "./state.ts";
import { defaultMeta } from "./target-names.ts";

const STREAM: Dialect<TcpFilter> = {
  toFilter: () => null,
  refuse: (message) => ({ kind: "invalid", message }),
};

/** A TLSRoute as clients of the target are told of it. */
export function toTlsRoute(
  route: TlsRoute,
  target: RouteTarget,
  state: State,
): ClientTlsRoute {
  return {
    meta: metaOf(route),
    snis: hostsOf(route),
    rule: toRule(route, target, state),
  };
}

/** The same of a TCPRoute. */
export function toTcpRoute(
  route: TcpRoute,
  target: RouteTarget,
  state: State,
): OpaqueRoute {
  return { meta: metaOf(route), rule: toRule(route, target, state) };
}

function toRule(
  route: TlsRoute | TcpRoute,
  target: RouteTarget,
  state: State,
): OpaqueRoute["rule"] {
  const [rule] = route.spec.rules ?? [];
  if (rule === undefined) return null;
  const backends = distribute(rule.backendRefs, route, target, STREAM, state);
  return { filters: refusalOf(backends, STREAM), backends };
}

/** A route of our own making that lets all bytes through to one place. */
export function allowStream(name: string, backend: Backend): OpaqueRoute {
  const backends: Distribution<TcpFilter> = {
    kind: "first",
    backends: [{ backend, weight: 1, filters: [] }],
  };
  return { meta: defaultMeta(name), rule: { filters: [], backends } };
}

/** The same that lets nothing through. */
export function forbidStream(name: string): OpaqueRoute {
  return {
    meta: defaultMeta(name),
    rule: {
      filters: [{ kind: "forbidden" }],
      backends: { kind: "first", backends: [] },
    },
  };
}
