import { Problem } from "../../../schemas/problem.ts";
import type { Golden, ProfileRouteRow } from "../../../schemas/stats.ts";
import type { Matcher, Readings } from "../readings.ts";
import { readGolden } from "./golden.ts";
import { matchersOf, type Target } from "./target.ts";
import { checkWindow } from "./window.ts";

/**
 * Requests by ServiceProfile route: those that a target got, or those that it sent `to` another; of a Service, those that its
 * pods got by its name. Throws `request.invalid`.
 */
export async function readProfileRoutes(
  target: Target,
  to: Target | null,
  windowMs: number,
  readings: Readings,
): Promise<readonly ProfileRouteRow[]> {
  checkWindow(windowMs);
  // A Service has no proxies: it is what routes are of.
  const isService = target.kind === "service";
  if (isService && to !== null) {
    throw new Problem(
      "request.invalid",
      "The service resource type is not supported with 'to' queries",
    );
  }
  const of = isService ? target : to;
  const direction = to === null ? "inbound" : "outbound";
  const matchers: readonly Matcher[] = [
    { label: "direction", is: "=", value: direction },
    ...isService ? [] : matchersOf(target, "").matchers,
  ];
  const read = (responses: string) =>
    readGolden(
      readings,
      { responses, latency: "route_response_latency_ms", perMs: 1 },
      matchers,
      ["rt_route", "dst"],
      windowMs,
    );
  const [golden, actual] = await Promise.all([
    read("route_response_total"),
    to === null
      ? new Map<string, Golden>()
      : read("route_actual_response_total"),
  ]);
  return [...golden].filter(([, { labels }]) =>
    of === null || isOf(labels["dst"] ?? "", of)
  ).map(([key, { labels, ...counts }]) => ({
    route: labels["rt_route"] || "[DEFAULT]",
    service: labels["dst"] ?? "",
    golden: counts,
    actual: actual.get(key) ?? null,
  })).sort((a, b) => a.service + a.route < b.service + b.route ? -1 : 1);
}

/** Whether an authority is that of a Service, or of one in a namespace. */
function isOf(authority: string, { name, namespace }: Target): boolean {
  const [service, its] = authority.split(".");
  return (name === null || service === name) &&
    (namespace === null || its === namespace);
}
