import type {
  GrpcRoute,
  HttpRoute,
  Route,
  Server,
} from "../../schemas/kube.ts";
import { groupOf } from "../../schemas/kube/parents.ts";
import type {
  InboundGrpcRoute,
  InboundHttpRoute,
  Meta,
} from "../../schemas/policy.ts";
import { authorizationsOfRoute } from "./authorizations.ts";
import { grpcRulesAsHttp } from "./grpc-as-http.ts";
import { idOf } from "./keys.ts";
import { compare, oldestFirst } from "./named.ts";
import { routeKey } from "./policies.ts";
import { grpcProbeRoute, httpProbeRoute } from "./probes.ts";
import {
  ANY_PATH,
  FORBID_GRPC,
  FORBID_HTTP,
  grpcRules,
  hostsOf,
  httpRules,
} from "./route-rules.ts";
import type { State } from "./state.ts";
import type { Workload } from "./workloads.ts";

/** Which port of which workload routes are for. */
export interface WorkloadPort {
  readonly workload: Workload;
  readonly port: number;
}

const DEFAULT = {
  meta: { kind: "default", name: "default" },
  hosts: [],
  authorizations: [],
} as const;

/** Routes that hang on a Server, the oldest first; none without a Server. */
export function routesOf(
  server: Server | undefined,
  { policies }: Pick<State, "policies">,
): readonly Route[] {
  if (server === undefined) return [];
  const routes = [...policies.routesByServer.get(idOf(server.metadata))];
  return oldestFirst(
    routes.sort((a, b) => compare(routeKey(a), routeKey(b))),
  );
}

/** Routes as HTTP; where there are none, one for all requests and one for probes. */
export function httpRoutes(
  routes: readonly Route[],
  { workload, port }: WorkloadPort,
  state: State,
): InboundHttpRoute[] {
  const shut = routes.find(({ isUnreadable }) => isUnreadable);
  if (shut !== undefined) return [forbidAllHttp(shut)];
  if (routes.length > 0) return routes.map((route) => toHttp(route, state));
  const probe = httpProbeRoute(workload, port, state.settings);
  const all = { ...DEFAULT, rules: [{ matches: [ANY_PATH], filters: [] }] };
  return probe === null ? [all] : [all, probe];
}

/** The same as gRPC. */
export function grpcRoutes(
  routes: readonly GrpcRoute[],
  { workload, port }: WorkloadPort,
  state: State,
): InboundGrpcRoute[] {
  const shut = routes.find(({ isUnreadable }) => isUnreadable);
  if (shut !== undefined) {
    const rules = [{ matches: [], filters: [FORBID_GRPC] }];
    return [{ ...DEFAULT, meta: metaOf(shut), rules }];
  }
  if (routes.length > 0) {
    return routes.map((route) => ({
      ...base(route, state),
      rules: grpcRules(route),
    }));
  }
  const probe = grpcProbeRoute(workload, port, state.settings);
  const all = { ...DEFAULT, rules: [{ matches: [], filters: [] }] };
  return probe === null ? [all] : [all, probe];
}

/** Whether a route can be told to a proxy as one of gRPC. */
export function isGrpc(route: Route): route is GrpcRoute {
  return route.kind === "GRPCRoute";
}

/**
 * Nobody knows which requests such a route is for. Were it left out, or only its own matches refused, requests that its
 * author shut would find another route of the Server.
 */
function forbidAllHttp(route: Route): InboundHttpRoute {
  const rules = [{ matches: [ANY_PATH], filters: [FORBID_HTTP] }];
  return { ...DEFAULT, meta: metaOf(route), rules };
}

function toHttp(route: Route, state: State): InboundHttpRoute {
  const rules = route.kind === "GRPCRoute"
    ? grpcRulesAsHttp(grpcRules(route))
    : httpRules(route satisfies HttpRoute);
  return { ...base(route, state), rules };
}

function base(route: Route, state: State) {
  return {
    meta: metaOf(route),
    hosts: hostsOf(route),
    authorizations: authorizationsOfRoute(route, state),
  };
}

function metaOf({ apiVersion, kind, metadata }: Route): Meta {
  const { name, namespace } = metadata;
  const group = groupOf(apiVersion);
  return {
    kind: "resource",
    resource: { group, kind, name, namespace, section: "", port: 0 },
  };
}
