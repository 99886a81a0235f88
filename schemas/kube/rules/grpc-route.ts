import type { GrpcRoute } from "../../kube.ts";
import type { FieldPath } from "../field-problem.ts";
import { type Mistake, mistake } from "../mistake.ts";
import { isOutbound } from "../parents.ts";
import { mistakesOfBackends, mistakesOfTraffic } from "./client-route.ts";
import {
  mistakesOfAttachment,
  mistakesOfHeaderFilter,
  mistakesOfHeaders,
  mistakesOfLength,
} from "./route.ts";

type Rule = NonNullable<GrpcRoute["spec"]["rules"]>[number];
type Match = NonNullable<Rule["matches"]>[number];

/** A GRPCRoute: parents, hosts, matches and filters can be what they say, and what is for clients as well. */
export function mistakesOfGrpcRoute(route: GrpcRoute): Mistake[] {
  const isForClients = isOutbound(route);
  const rules = (route.spec.rules ?? []).flatMap((rule, at) => {
    const path = ["spec", "rules", at];
    return [
      ...mistakesOfLength("matches", rule.matches, path),
      ...(rule.matches ?? []).flatMap((match, of) =>
        mistakesOfMatch(match, [...path, "matches", of])
      ),
      ...mistakesOfFilters(rule.filters, path),
      ...isForClients ? mistakesForClients(rule, path) : [],
    ];
  });
  return [
    ...mistakesOfAttachment(route),
    ...rules,
    ...isForClients ? mistakesOfTraffic(route) : [],
  ];
}

function mistakesForClients({ backendRefs }: Rule, path: FieldPath): Mistake[] {
  return [
    ...mistakesOfBackends(backendRefs, path),
    ...(backendRefs ?? []).flatMap(({ filters }, of) =>
      mistakesOfFilters(filters, [...path, "backendRefs", of])
    ),
  ];
}

function mistakesOfFilters(
  filters: Rule["filters"] = [],
  path: FieldPath,
): Mistake[] {
  return [
    ...mistakesOfLength("filters", filters, path),
    ...filters.flatMap((filter, of) =>
      mistakesOfHeaderFilter(filter, [...path, "filters", of])
    ),
  ];
}

function mistakesOfMatch(
  { method, headers = [] }: Match,
  at: FieldPath,
): Mistake[] {
  const where = [...at, "method"];
  const fields = mistakesOfHeaders(headers, [...at, "headers"]);
  if (method === undefined) return fields;
  if (method.type === "RegularExpression") {
    return [
      ...fields,
      mistake(
        [...where, "type"],
        method.type,
        "Exact",
        "list each method: the mesh's API has no patterns for gRPC",
      ),
    ];
  }
  if (method.service || method.method) return fields;
  return [
    ...fields,
    mistake(
      where,
      method,
      "a service, a method or both",
      "remove method to match every call",
    ),
  ];
}
