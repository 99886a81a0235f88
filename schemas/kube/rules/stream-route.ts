import type { TcpRoute, TlsRoute } from "../../kube.ts";
import { type Mistake, mistake } from "../mistake.ts";
import { mistakesOfBackends } from "./client-route.ts";
import { mistakesOfAttachment } from "./route.ts";

/** A TLSRoute or TCPRoute has one rule: nothing in a stream of bytes could choose between two. */
export function mistakesOfStreamRoute(route: TlsRoute | TcpRoute): Mistake[] {
  const { rules = [] } = route.spec;
  const path = ["spec", "rules"];
  return [
    ...mistakesOfAttachment(route),
    ...rules.length === 1
      ? []
      : [mistake(path, rules, "one rule", "write one route for each")],
    ...rules.flatMap(({ backendRefs }, at) =>
      mistakesOfBackends(backendRefs, [...path, at])
    ),
  ];
}
