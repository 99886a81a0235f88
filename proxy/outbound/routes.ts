import type {
  ClientProtocol,
  ClientRoute,
  ClientRule,
  FailureAccrual,
  GrpcFilter,
  HttpFilter,
  RouteBackend,
} from "../../schemas/client-policy.ts";
import type { Meta } from "../../schemas/policy.ts";
import { Problem } from "../../schemas/problem.ts";
import type { Lane, Passage, RouteMetrics, Way } from "../direction.ts";
import type { Upstream } from "../endpoint.ts";
import type { RequestHead } from "../http/message.ts";
import { classify } from "../record/classify.ts";
import type { OutboundRouteFamilies } from "../record/outbound-routes.ts";
import { type Filters, readyFilters } from "../route/filter.ts";
import {
  createGrpcTable,
  createHttpTable,
  type RouteTable,
  type Rule,
} from "../route/route-table.ts";
import type { Labels } from "../tap/event.ts";
import { describeMeta } from "../wire/common.ts";
import { refuseAll } from "./backend.ts";
import { type Backends, SharedBackend } from "./backends.ts";
import { createChooser } from "./distribution.ts";
import { RouteLane } from "./lane.ts";
import { grpcTerms, httpTerms, type TermsOf } from "./terms.ts";
import {
  recordBackend,
  recordHosts,
  recordRoute,
  type Released,
} from "./route-recorder.ts";

/** The routes of a policy that carries HTTP. */
export type RoutedProtocol = Exclude<
  ClientProtocol,
  { readonly kind: "opaque" | "tls" }
>;

export interface RoutesOptions {
  readonly backends: Backends<Upstream>;
  readonly families: {
    readonly http: OutboundRouteFamilies;
    readonly grpc: OutboundRouteFamilies;
  };
  readonly random: () => number;
  /** Whether requests are counted by the host that they ask for. */
  readonly hostnames: boolean;
}

/** The routes of a policy, live; release them. */
export interface Routes {
  find(head: RequestHead): Way | Problem;
  release(): void;
}

/** Makes the routes of a policy live. Backends that other routes of the target use, too, are shared with them. */
export function openRoutes(
  protocol: RoutedProtocol,
  parent: Meta,
  options: RoutesOptions,
): Routes {
  const held: Held = [];
  const { table, count } = openTable(protocol, parent, options, held);
  const none = new Problem(
    "route.missing",
    `no route: ${
      describeMeta(parent)
    } has ${count}, and none takes this request`,
    { hint: "compare host, path, method and fields with those of the routes" },
  );
  return {
    find: (head) => table.find(head) ?? none,
    release() {
      for (const one of held) one.release();
    },
  };
}

/** What has to be let go of. */
type Held = Released[];

function openTable(
  protocol: RoutedProtocol,
  parent: Meta,
  options: RoutesOptions,
  held: Held,
): { readonly table: RouteTable<Passage>; readonly count: number } {
  if (protocol.kind === "grpc") {
    const { routes, accrual } = protocol.grpc;
    const rules = routes.flatMap((route) =>
      openRoute(route, grpcTerms, accrual, parent, options, held)
    );
    return { table: createGrpcTable(rules), count: routes.length };
  }
  const { routes, accrual } = protocol.http;
  const rules = routes.flatMap((route) =>
    openRoute(route, httpTerms, accrual, parent, options, held)
  );
  return { table: createHttpTable(rules), count: routes.length };
}

function openRoute<M, F extends HttpFilter | GrpcFilter, C>(
  { meta, hosts, rules }: ClientRoute<M, F, C>,
  termsOf: (rule: ClientRule<M, F, C>) => TermsOf,
  accrual: FailureAccrual | null,
  parent: Meta,
  { backends, families, random, hostnames }: RoutesOptions,
  held: Held,
): Rule<M, Passage>[] {
  const labels = tapLabels(meta);
  const counting = (hostnames ? recordHosts : recordAll)(
    families,
    parent,
    meta,
  );
  held.push(counting);
  /** Rules that send to the same backend count together. */
  const counted = new Map<
    SharedBackend<Upstream>,
    ReturnType<typeof recordBackend>
  >();
  const open = ({ backend, filters }: Omit<RouteBackend<F>, "weight">) => {
    const shared = backends.take(backend, accrual, parent);
    held.push({ release: () => shared.close() });
    let recorder = counted.get(shared);
    if (recorder === undefined) {
      recorder = recordBackend(families, parent, meta, backend.meta);
      counted.set(shared, recorder);
      held.push(recorder);
    }
    return new RouteLane(
      shared,
      readyFilters(filters),
      recorder,
      () => placeOf(parent, meta, backend.meta),
    );
  };
  const nobody = () =>
    new RouteLane(
      new SharedBackend(() => refuseAll(SENDS_TO_NOBODY), () => {}),
      null,
      recordBackend(families, parent, meta, meta),
      () => placeOf(parent, meta, null),
    );
  return rules.map((rule) => {
    const { matches, filters } = rule;
    const { kind, backends: listed } = rule.backends;
    const choose = createChooser<RouteLane>(
      kind,
      listed.map((one) => ({ choice: open(one), weight: one.weight })),
      nobody,
      random,
    );
    const payload = new RulePassage(
      labels,
      readyFilters(filters),
      choose,
      termsOf(rule),
      counting.of,
    );
    return { hosts, matches, payload };
  });
}

/** From the parent to the backend, if there is one. A default route is nothing that anybody has written. */
function placeOf(parent: Meta, route: Meta, backend: Meta | null): string {
  const isDefault = route.kind === "default";
  const places = isDefault ? [backend ?? parent] : [parent, route, backend];
  return places.filter((meta) => meta !== null).map(describeMeta).join(": ");
}

/** `route` is what people see of it; a default route is nothing that anybody has written. */
function tapLabels(meta: Meta): Labels {
  if (meta.kind === "default") {
    return { route_kind: "default", route_name: meta.name };
  }
  const { group, kind, namespace, name } = meta.resource;
  return {
    route: name,
    route_group: group,
    route_kind: kind,
    route_namespace: namespace,
    route_name: name,
  };
}

function recordAll(...of: Parameters<typeof recordHosts>) {
  const recorder = recordRoute(...of);
  return { of: () => recorder, release: recorder.release };
}

/** Gateway API has no word for it, and wants 500 where all backends are invalid (decision 0134). */
const SENDS_TO_NOBODY = new Problem(
  "backend.missing",
  "this rule sends requests to nobody",
  { hint: "a rule without backends, or with weights of 0 alone, has none" },
);

/** A rule made ready. A class, for every request goes through one. */
class RulePassage implements Passage {
  readonly labels: Labels;
  readonly filters: Filters | null;
  readonly judge = classify;
  readonly choose: () => Lane;
  readonly terms: TermsOf;
  readonly metrics: (head: RequestHead) => RouteMetrics;

  constructor(
    labels: Labels,
    filters: Filters | null,
    choose: () => Lane,
    terms: TermsOf,
    metrics: (head: RequestHead) => RouteMetrics,
  ) {
    this.labels = labels;
    this.filters = filters;
    this.choose = choose;
    this.terms = terms;
    this.metrics = metrics;
  }
}
