import type { Golden, ProfileRouteRow } from "../../../schemas/stats.ts";
import type { Matcher, Readings } from "../readings.ts";
import { readGolden } from "./golden.ts";
import { matchersOf, type Target } from "./target.ts";
import { checkWindow } from "./window.ts";

/** Requests by ServiceProfile route: those that a target got, or those that it sent `to` another; throws `request.invalid`. */
export async function readProfileRoutes(
  target: Target,
  to: Target | null,
  windowMs: number,
  readings: Readings,
): Promise<readonly ProfileRouteRow[]> {
  checkWindow(windowMs);
  const direction = to === null ? "inbound" : "outbound";
  const matchers: readonly Matcher[] = [
    { label: "direction", is: "=", value: direction },
    ...matchersOf(target, "").matchers,
  ];
  const by = ["rt_route", "dst"];
  const [golden, actual] = await Promise.all([
    readGolden(
      readings,
      {
        responses: "route_response_total",
        latency: "route_response_latency_ms",
        perMs: 1,
      },
      matchers,
      by,
      windowMs,
    ),
    to === null ? new Map<string, Golden>() : readGolden(
      readings,
      {
        responses: "route_actual_response_total",
        latency: "route_response_latency_ms",
        perMs: 1,
      },
      matchers,
      by,
      windowMs,
    ),
  ]);
  return [...golden].filter(([, { labels }]) =>
    to === null || isOf(labels["dst"] ?? "", to)
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
