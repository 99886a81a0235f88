import type { InboundRow } from "../../../schemas/stats.ts";
import type { Readings } from "../readings.ts";
import { readGolden, RESPONSES } from "./golden.ts";
import { matchersOf, type Target } from "./target.ts";
import { checkWindow } from "./window.ts";

const ROUTE = [
  "srv_kind",
  "srv_name",
  "target_port",
  "route_kind",
  "route_name",
];
const AUTHORIZATION = ["authz_kind", "authz_name"];

/** Requests by Server and route; throws `request.invalid`. */
export function readInbound(
  target: Target,
  windowMs: number,
  readings: Readings,
): Promise<readonly InboundRow[]> {
  return read(target, windowMs, readings, ROUTE);
}

/** Requests by Server, route and what permitted them, and those that nothing did; throws `request.invalid`. */
export async function readAuthorizations(
  target: Target,
  windowMs: number,
  readings: Readings,
): Promise<readonly InboundRow[]> {
  const [allowed, denied] = await Promise.all([
    read(target, windowMs, readings, [...ROUTE, ...AUTHORIZATION]),
    readDenied(target, windowMs, readings),
  ]);
  return [...allowed, ...denied];
}

async function read(
  target: Target,
  windowMs: number,
  readings: Readings,
  by: readonly string[],
): Promise<readonly InboundRow[]> {
  checkWindow(windowMs);
  const { matchers, namespaceLabel, label } = matchersOf(target, "");
  const golden = await readGolden(
    readings,
    RESPONSES,
    [{ label: "direction", is: "=", value: "inbound" }, ...matchers],
    [...new Set([namespaceLabel, label, ...by])],
    windowMs,
  );
  return [...golden.values()].map(({ labels, ...counts }) => {
    const named = (prefix: string) => ({
      kind: labels[`${prefix}_kind`] ?? "",
      name: labels[`${prefix}_name`] ?? "",
    });
    const authorization = named("authz");
    return {
      namespace: labels[namespaceLabel] ?? "",
      name: labels[label] ?? "",
      server: named("srv"),
      port: labels["target_port"] ?? "",
      route: named("route"),
      authorization: authorization.name === "" ? null : authorization,
      golden: counts,
      denied: 0,
    };
  });
}

async function readDenied(
  target: Target,
  windowMs: number,
  readings: Readings,
): Promise<readonly InboundRow[]> {
  const { matchers, namespaceLabel, label } = matchersOf(target, "");
  const denied = await readings.increase(
    { metric: "inbound_http_authz_deny_total", labels: matchers },
    [...new Set([namespaceLabel, label, ...ROUTE])],
    windowMs,
  );
  return denied.map(({ labels, value }) => ({
    namespace: labels[namespaceLabel] ?? "",
    name: labels[label] ?? "",
    server: { kind: labels["srv_kind"] ?? "", name: labels["srv_name"] ?? "" },
    port: labels["target_port"] ?? "",
    route: {
      kind: labels["route_kind"] ?? "",
      name: labels["route_name"] ?? "",
    },
    authorization: null,
    golden: { success: 0, failure: 0, secured: 0, latencyMs: null },
    denied: value,
  }));
}
