import type { GrpcFilter, HttpFilter } from "../../schemas/client-policy.ts";
import type { HttpRoute, OutboundRoute } from "../../schemas/kube.ts";
import type { FieldPath } from "../../schemas/kube/field-problem.ts";
import { ALWAYS, headerChanges, toHeaders, toRedirect } from "./route-rules.ts";

type Rule = NonNullable<HttpRoute["spec"]["rules"]>[number];

/** A filter as it is written in a route. */
export type KubeFilter = NonNullable<Rule["filters"]>[number];

/** What one protocol's clients can do to requests. */
export interface Dialect<F> {
  /** Null: nothing that the API of proxies has a word for. */
  readonly toFilter: (filter: KubeFilter) => F | null;
  /** Answers instead of sending to a backend that is not there. */
  readonly refuse: (message: string) => F;
}

export const HTTP: Dialect<HttpFilter> = {
  toFilter: (filter) =>
    toHeaders(filter) ?? toResponseHeaders(filter) ?? toRedirect(filter),
  // As of Gateway API.
  refuse: (message) => ({
    kind: "failure",
    status: 500,
    message,
    ratio: ALWAYS,
  }),
};

export const GRPC: Dialect<GrpcFilter> = {
  toFilter: toHeaders,
  // UNAVAILABLE, as of Gateway API; Linkerd puts an HTTP status here.
  refuse: (message) => ({ kind: "failure", code: 14, message, ratio: ALWAYS }),
};

function toResponseHeaders(
  { type, responseHeaderModifier }: KubeFilter,
): HttpFilter | null {
  return type === "ResponseHeaderModifier"
    ? { kind: "response-headers", ...headerChanges(responseHeaderModifier) }
    : null;
}

/** The first filter of a route's rules that cannot be done; null when all can. */
export function unsupportedFilter(
  route: OutboundRoute,
): { readonly path: FieldPath; readonly type: string } | null {
  if (route.kind !== "HTTPRoute" && route.kind !== "GRPCRoute") return null;
  const { toFilter } = route.kind === "HTTPRoute" ? HTTP : GRPC;
  for (const [at, { filters = [] }] of (route.spec.rules ?? []).entries()) {
    for (const [of, filter] of filters.entries()) {
      if (toFilter(filter) !== null) continue;
      const path = ["spec", "rules", at, "filters", of, "type"];
      return { path, type: filter.type };
    }
  }
  return null;
}
