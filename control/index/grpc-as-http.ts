import type { InboundGrpcRule, InboundHttpRule } from "../../schemas/policy.ts";
import type { GrpcMatch, HttpMatch, PathMatch } from "../../schemas/route.ts";
import { FORBID_HTTP } from "./route-rules.ts";

/**
 * The same rules for a port whose requests are matched as HTTP, which every gRPC call is: a POST to `/service/method`.
 * A GRPCRoute then holds on Servers of any HTTP protocol, which in Linkerd it does on those of gRPC only.
 */
export function grpcRulesAsHttp(
  rules: readonly InboundGrpcRule[],
): InboundHttpRule[] {
  return rules.map(({ matches, filters }) => ({
    matches: (matches.length === 0 ? [ANY_CALL] : matches).map(toHttpMatch),
    filters: filters.map((filter) =>
      filter.kind === "failure" ? FORBID_HTTP : filter
    ),
  }));
}

const ANY_CALL: GrpcMatch = { service: null, method: null, headers: [] };

function toHttpMatch({ service, method, headers }: GrpcMatch): HttpMatch {
  const path = pathOf(service, method);
  return { path, headers, queryParams: [], method: "POST" };
}

function pathOf(service: string | null, method: string | null): PathMatch {
  if (service === null) {
    if (method === null) return { kind: "prefix", path: "/" };
    return { kind: "regex", pattern: `/[^/]+/${escape(method)}` };
  }
  return method === null
    ? { kind: "prefix", path: `/${service}` }
    : { kind: "exact", path: `/${service}/${method}` };
}

/** Names of methods are letters, digits and underscores; whatever else is there stands for itself. */
function escape(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9_]/g, (char) => `\\${char}`);
}
