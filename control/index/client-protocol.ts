import type {
  Backend,
  ClientProtocol,
  GrpcRoute as ClientGrpcRoute,
  HttpRoute as ClientHttpRoute,
  OpaqueRoute,
  TlsRoute as ClientTlsRoute,
} from "../../schemas/client-policy.ts";
import type {
  GrpcRoute,
  HttpRoute,
  OutboundRoute,
  TcpRoute,
  TlsRoute,
} from "../../schemas/kube.ts";
import { GRPC, HTTP } from "./client-filters.ts";
import { type RouteTarget, toGrpcRoute, toHttpRoute } from "./client-routes.ts";
import { LOAD, NO_TIMEOUTS, toRetry } from "./client-traffic.ts";
import { type CalledPort, clientRoutesOf } from "./outbound-routes.ts";
import { ANY_PATH } from "./route-rules.ts";
import type { DeclaredProtocol } from "./service-protocol.ts";
import type { State } from "./state.ts";
import {
  allowStream,
  forbidStream,
  toTcpRoute,
  toTlsRoute,
} from "./stream-routes.ts";
import { defaultMeta } from "./target-names.ts";
import { remember } from "./told-routes.ts";

/** How long a proxy waits for a client's first bytes (fixed in Linkerd's policy controller). */
const DETECT_TIMEOUT_MS = 10_000;

/** What is called, and all that its protocol and routes depend on. */
export interface Called
  extends Omit<RouteTarget, "parent">, Omit<CalledPort, "parent"> {
  /** Null: nothing that routes could hang on. */
  readonly parent: RouteTarget["parent"] | null;
  readonly declared: DeclaredProtocol;
  /** Where bytes go that are not parsed. */
  readonly selfOpaque: Backend;
  /** What becomes of what no route is for: an EgressNetwork says so; null: it has none. */
  readonly tail: "allow" | "deny" | null;
  /** What the routes are called where there are none. */
  readonly defaultName?: string;
}

/** How a target is spoken to: as its port declares, or else as the strongest kind of its routes knows. */
export function protocolOf(called: Called, state: State): ClientProtocol {
  const routes = routesOf(called, state);
  const { accrual } = called.traffic;
  const http = () => ({
    routes: httpRoutes(routes.http, called, state),
    accrual,
  });
  const grpc = () => ({
    routes: grpcRoutes(routes.grpc, called, state),
    accrual,
  });
  switch (called.declared) {
    case "http1":
      return { kind: "http1", http: http() };
    case "http2":
      return routes.grpc.length > 0
        ? { kind: "grpc", grpc: grpc() }
        : { kind: "http2", http: http() };
    case "opaque":
      return { kind: "opaque", opaque: opaqueRoute(routes.tcp, called, state) };
    case "detect":
      break;
  }
  if (routes.grpc.length > 0) return { kind: "grpc", grpc: grpc() };
  const isStream = routes.http.length === 0;
  if (isStream && routes.tls.length > 0) {
    return { kind: "tls", tls: tlsRoutes(routes.tls, called, state) };
  }
  if (isStream && routes.tcp.length > 0) {
    return { kind: "opaque", opaque: opaqueRoute(routes.tcp, called, state) };
  }
  return {
    kind: "detect",
    timeoutMs: DETECT_TIMEOUT_MS,
    http: http(),
    opaque: opaqueRoute([], called, state),
  };
}

interface Routes {
  readonly http: readonly HttpRoute[];
  readonly grpc: readonly GrpcRoute[];
  readonly tls: readonly TlsRoute[];
  readonly tcp: readonly TcpRoute[];
}

/** The routes in force, the oldest first. */
function routesOf(called: Called, state: State): Routes {
  const { parent } = called;
  const all = parent === null
    ? []
    : clientRoutesOf({ ...called, parent }, state);
  const of = <K extends OutboundRoute["kind"]>(kind: K) =>
    all.filter((route): route is Extract<OutboundRoute, { kind: K }> =>
      route.kind === kind
    );
  return {
    http: of("HTTPRoute"),
    grpc: of("GRPCRoute"),
    tls: of("TLSRoute"),
    tcp: of("TCPRoute"),
  };
}

function httpRoutes(
  routes: readonly HttpRoute[],
  called: Called,
  state: State,
): ClientHttpRoute[] {
  const { parent, tail, defaultName = "http" } = called;
  const told = parent === null
    ? []
    : routes.map((route) =>
      tell(route, { ...called, parent }, state, toHttpRoute)
    );
  if (tail === null && told.length > 0) return told;
  const rule: ClientHttpRoute["rules"][number] = {
    matches: [ANY_PATH],
    filters: tail === "deny" ? [DENY_HTTP] : [],
    backends: {
      kind: "first",
      backends: [{ backend: called.self, weight: 1, filters: [] }],
    },
    timeouts: called.traffic.timeouts ?? NO_TIMEOUTS,
    retry: toRetry(called.traffic.httpRetry),
    allowsRequestFields: state.settings.allowsRequestFields,
  };
  const name = tail === null ? defaultName : `http-egress-${tail}`;
  return [...told, { meta: defaultMeta(name), hosts: [], rules: [rule] }];
}

function tell<R extends OutboundRoute, T>(
  route: R,
  target: RouteTarget,
  state: State,
  convert: (route: R, target: RouteTarget, state: State) => T,
): T {
  return remember(route, target, state, () => convert(route, target, state));
}

/** Only where there are GRPCRoutes: without them, HTTP's routes hold for gRPC. */
function grpcRoutes(
  routes: readonly GrpcRoute[],
  called: Called,
  state: State,
): ClientGrpcRoute[] {
  const { parent, tail } = called;
  const told = parent === null
    ? []
    : routes.map((route) =>
      tell(route, { ...called, parent }, state, toGrpcRoute)
    );
  if (tail === null) return told;
  const rule: ClientGrpcRoute["rules"][number] = {
    matches: [],
    filters: tail === "deny" ? [DENY_GRPC] : [],
    backends: {
      kind: "first",
      backends: [{ backend: called.self, weight: 1, filters: [] }],
    },
    timeouts: called.traffic.timeouts ?? NO_TIMEOUTS,
    retry: toRetry(called.traffic.grpcRetry),
    allowsRequestFields: state.settings.allowsRequestFields,
  };
  const meta = defaultMeta(`grpc-egress-${tail}`);
  return [...told, { meta, hosts: [], rules: [rule] }];
}

/** Facts: an EgressNetwork's default routes. */
const FORBIDDEN = "traffic not allowed";
const DENY_HTTP = { ...HTTP.refuse(FORBIDDEN), status: 403 };
const DENY_GRPC = { ...GRPC.refuse(FORBIDDEN), code: 7 };

function tlsRoutes(
  routes: readonly TlsRoute[],
  called: Called,
  state: State,
): ClientTlsRoute[] {
  const { parent, tail } = called;
  const told = parent === null
    ? []
    : routes.map((route) => toTlsRoute(route, opaque(called, parent), state));
  if (tail === null) return told;
  const name = `tls-egress-${tail}`;
  const { meta, rule } = tail === "allow"
    ? allowStream(name, called.selfOpaque)
    : forbidStream(name);
  return [...told, { meta, snis: [], rule }];
}

/** The first TCPRoute, as nothing in the bytes could tell one from another. */
function opaqueRoute(
  [route]: readonly TcpRoute[],
  called: Called,
  state: State,
): OpaqueRoute {
  const { parent, tail, defaultName = "opaq" } = called;
  if (route !== undefined && parent !== null) {
    return toTcpRoute(route, opaque(called, parent), state);
  }
  switch (tail) {
    case "deny":
      return forbidStream("tcp-egress-deny");
    case "allow":
      return allowStream("tcp-egress-allow", called.selfOpaque);
    case null:
      return allowStream(defaultName, called.selfOpaque);
  }
}

/** Failures cannot be told from successes in bytes that nobody reads: nothing is penalised. */
function opaque(
  { selfOpaque, traffic }: Called,
  parent: RouteTarget["parent"],
): RouteTarget {
  return { parent, self: selfOpaque, traffic: { ...traffic, load: LOAD } };
}
