import type {
  Backend,
  Distribution,
  GrpcRoute as ClientGrpcRoute,
  HttpRoute as ClientHttpRoute,
  Load,
  RouteBackend,
} from "../../schemas/client-policy.ts";
import type {
  GrpcRoute,
  HttpRoute,
  OutboundRoute,
} from "../../schemas/kube.ts";
import {
  groupOf,
  type OutboundParentKind,
} from "../../schemas/kube/parents.ts";
import type { Meta } from "../../schemas/policy.ts";
import type { ObjectName } from "../views.ts";
import {
  type BackendRef,
  judgeBackend,
  referentOf,
  type SendingParent,
} from "./backends.ts";
import { type Dialect, GRPC, HTTP, type KubeFilter } from "./client-filters.ts";
import {
  grpcRetryOf,
  httpRetryOf,
  type ParentTraffic,
  timeoutsOf,
} from "./client-traffic.ts";
import type { State } from "./state.ts";
import { pathOf, resourceOf } from "./target-names.ts";
import { ANY_PATH, hostsOf, toGrpcMatch, toHttpMatch } from "./route-rules.ts";

/** What is called, as far as its routes depend on it. */
export interface RouteTarget {
  readonly parent: SendingParent;
  /** Where requests go that no backendRef sends elsewhere. */
  readonly self: Backend;
  readonly traffic: ParentTraffic;
}

/** An HTTPRoute as clients of the target are told of it. */
export function toHttpRoute(
  route: HttpRoute,
  target: RouteTarget,
  state: State,
): ClientHttpRoute {
  const { traffic } = target;
  return {
    meta: metaOf(route),
    hosts: hostsOf(route),
    rules: (route.spec.rules ?? [{}]).map((rule) => {
      const { backendRefs, filters = [], matches = [] } = rule;
      const backends = distribute(backendRefs, route, target, HTTP, state);
      return {
        matches: matches.length === 0 ? [ANY_PATH] : matches.map(toHttpMatch),
        filters: [
          ...filters.flatMap((filter) => HTTP.toFilter(filter) ?? []),
          ...refusalOf(backends, HTTP),
        ],
        backends,
        timeouts: timeoutsOf(route, rule, traffic),
        retry: httpRetryOf(route, rule, traffic),
        allowsRequestFields: state.settings.allowsRequestFields,
      };
    }),
  };
}

/** The same of a GRPCRoute. */
export function toGrpcRoute(
  route: GrpcRoute,
  target: RouteTarget,
  state: State,
): ClientGrpcRoute {
  const { traffic } = target;
  return {
    meta: metaOf(route),
    hosts: hostsOf(route),
    rules: (route.spec.rules ?? []).map((rule) => {
      const { backendRefs, filters = [], matches = [] } = rule;
      const backends = distribute(backendRefs, route, target, GRPC, state);
      return {
        matches: matches.map(toGrpcMatch),
        filters: [
          ...filters.flatMap((filter) => GRPC.toFilter(filter) ?? []),
          ...refusalOf(backends, GRPC),
        ],
        backends,
        timeouts: timeoutsOf(route, {}, traffic),
        retry: grpcRetryOf(route, traffic),
        allowsRequestFields: state.settings.allowsRequestFields,
      };
    }),
  };
}

/** A written backend, with filters if the kind of route has them. */
type WrittenBackend = BackendRef & {
  readonly filters?: readonly KubeFilter[];
};

/** Where a rule sends requests: to its backends by weight, or to the target itself where it names none. */
export function distribute<F>(
  backendRefs: readonly WrittenBackend[] = [],
  route: OutboundRoute,
  { parent, self, traffic }: RouteTarget,
  dialect: Dialect<F>,
  state: State,
): Distribution<F> {
  if (backendRefs.length === 0) {
    return {
      kind: "first",
      backends: [{ backend: self, weight: 1, filters: [] }],
    };
  }
  return {
    kind: "random",
    backends: backendRefs.map((ref) => {
      const { kind, ...name } = referentOf(ref, route);
      const meta = resourceOf({
        ...name,
        kind: kind ?? ref.kind ?? "Service",
        port: ref.port ?? 0,
      });
      const verdict = judgeBackend(ref, route, parent, state);
      const weight = ref.weight ?? 1;
      if (verdict.kind === "refused") {
        return nowhere(meta, weight, dialect.refuse(verdict.message));
      }
      const filters = (ref.filters ?? []).map(dialect.toFilter);
      if (!filters.every((filter) => filter !== null)) {
        const message = `a filter of backend ${name.name} is not supported`;
        return nowhere(meta, weight, dialect.refuse(message));
      }
      const backend = verdict.backend === "EgressNetwork" ? self : balancer(
        verdict.backend,
        name,
        verdict.port,
        { meta, load: traffic.load },
        state,
      );
      return { backend, weight, filters };
    }),
  };
}

/** Endpoints of a Service or ServiceImport. */
export function balancer(
  kind: Exclude<OutboundParentKind, "EgressNetwork">,
  name: ObjectName,
  port: number,
  { meta, load }: { readonly meta: Meta; readonly load: Load },
  { settings }: Pick<State, "settings">,
): Backend {
  return {
    kind: "balancer",
    meta,
    path: pathOf(kind, name, port, settings.clusterDomain),
    load,
  };
}

/** Keeps its share, and answers it. */
function nowhere<F>(meta: Meta, weight: number, filter: F): RouteBackend<F> {
  return { backend: { kind: "nowhere", meta }, weight, filters: [filter] };
}

/** A rule that sends nothing to anybody answers as one whose backends are all missing (Gateway API: 500). */
export function refusalOf<F>(
  { kind, backends }: Distribution<F>,
  { refuse }: Dialect<F>,
): F[] {
  const sends = kind === "first" || backends.some(({ weight }) => weight > 0);
  return sends ? [] : [refuse("every backend of this rule has weight 0")];
}

/** What a route is called. */
export function metaOf({ apiVersion, kind, metadata }: OutboundRoute): Meta {
  const { name, namespace } = metadata;
  const group = groupOf(apiVersion);
  return resourceOf({ group, kind, name, namespace, port: 0 });
}
