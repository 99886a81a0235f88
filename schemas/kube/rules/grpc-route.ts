import type { GrpcRoute } from "../../kube.ts";
import type { FieldPath } from "../field-problem.ts";
import { type Mistake, mistake } from "../mistake.ts";
import {
  mistakesOfAttachment,
  mistakesOfHeaderFilter,
  mistakesOfHeaders,
} from "./route.ts";

type Rule = NonNullable<GrpcRoute["spec"]["rules"]>[number];
type Match = NonNullable<Rule["matches"]>[number];

/** A GRPCRoute on a Server: parents, hosts, matches and filters can be what they say. */
export function mistakesOfGrpcRoute(route: GrpcRoute): Mistake[] {
  const rules = (route.spec.rules ?? []).flatMap((rule, at) => {
    const path = ["spec", "rules", at];
    return [
      ...(rule.matches ?? []).flatMap((match, of) =>
        mistakesOfMatch(match, [...path, "matches", of])
      ),
      ...(rule.filters ?? []).flatMap((filter, of) =>
        mistakesOfHeaderFilter(filter, [...path, "filters", of])
      ),
    ];
  });
  return [...mistakesOfAttachment(route), ...rules];
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
