import type { HttpRoute } from "../../kube.ts";
import type { FieldPath } from "../field-problem.ts";
import { type Mistake, mistake } from "../mistake.ts";
import { isOutbound } from "../parents.ts";
import {
  mistakesOfBackends,
  mistakesOfRetry,
  mistakesOfTimeouts,
  mistakesOfTraffic,
} from "./client-route.ts";
import {
  mistakesOfAttachment,
  mistakesOfHeaderFilter,
  mistakesOfHeaders,
  mistakesOfLength,
  mistakesOfParams,
  mistakesOfPattern,
} from "./route.ts";

type Rule = NonNullable<HttpRoute["spec"]["rules"]>[number];
type Match = NonNullable<Rule["matches"]>[number];
type Filter = NonNullable<Rule["filters"]>[number];

/** An HTTPRoute: parents, hosts, matches and filters can be what they say, and what is for clients as well. */
export function mistakesOfHttpRoute(route: HttpRoute): Mistake[] {
  const isForClients = isOutbound(route);
  const rules = (route.spec.rules ?? []).flatMap((rule, at) => {
    const path = ["spec", "rules", at];
    return [
      ...mistakesOfLength("matches", rule.matches, path),
      ...(rule.matches ?? []).flatMap((match, of) =>
        mistakesOfMatch(match, [...path, "matches", of])
      ),
      ...mistakesOfFilters(rule.filters, path),
      ...isForClients ? mistakesForClients(rule, route, path) : [],
    ];
  });
  return [
    ...mistakesOfAttachment(route),
    ...rules,
    ...isForClients ? mistakesOfTraffic(route) : [],
  ];
}

function mistakesForClients(
  rule: Rule,
  route: HttpRoute,
  path: FieldPath,
): Mistake[] {
  return [
    ...mistakesOfBackends(rule.backendRefs, path),
    ...(rule.backendRefs ?? []).flatMap(({ filters }, of) =>
      mistakesOfFilters(filters, [...path, "backendRefs", of])
    ),
    ...mistakesOfTimeouts(rule, route, path),
    ...mistakesOfRetry(rule, route, path),
  ];
}

function mistakesOfFilters(
  filters: Rule["filters"] = [],
  path: FieldPath,
): Mistake[] {
  return [
    ...mistakesOfLength("filters", filters, path),
    ...filters.flatMap((filter, of) => [
      ...mistakesOfHeaderFilter(filter, [...path, "filters", of]),
      ...mistakesOfRedirect(filter, [...path, "filters", of]),
    ]),
  ];
}

function mistakesOfMatch(
  { path = {}, headers = [], queryParams = [] }: Match,
  at: FieldPath,
): Mistake[] {
  const { type = "PathPrefix", value = "/" } = path;
  const where = [...at, "path", "value"];
  const isPattern = type === "RegularExpression";
  return [
    ...isPattern ? mistakesOfPattern(value, where) : absolute(value, where),
    ...mistakesOfHeaders(headers, [...at, "headers"]),
    ...mistakesOfParams(queryParams, [...at, "queryParams"]),
  ];
}

function mistakesOfRedirect(
  { type, requestRedirect }: Filter,
  at: FieldPath,
): Mistake[] {
  if (type !== "RequestRedirect") return [];
  const where = [...at, "requestRedirect"];
  if (requestRedirect === undefined) {
    return [mistake(where, undefined, "where to redirect", "add the field")];
  }
  const { hostname, path, statusCode = 302 } = requestRedirect;
  const field = path?.type === "ReplacePrefixMatch"
    ? "replacePrefixMatch"
    : "replaceFullPath";
  return [
    ...hostname === undefined ||
        /^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$/.test(hostname)
      ? []
      : [mistake(
        [...where, "hostname"],
        hostname,
        "a host name",
        "write it without scheme, port and wildcard",
      )],
    ...path === undefined
      ? []
      : absolute(path[field], [...where, "path", field]),
    ...statusCode >= 300 && statusCode < 400 ? [] : [mistake(
      [...where, "statusCode"],
      statusCode,
      "a status from 300 to 399",
      "use 301, 302, 303, 307 or 308",
    )],
  ];
}

function absolute(path: string | undefined, at: FieldPath): Mistake[] {
  if (path?.startsWith("/")) return [];
  return [mistake(at, path, "a path that begins with /", "write it from /")];
}
