import type { SocketAddress } from "../../schemas/address.ts";
import type { Meta } from "../../schemas/policy.ts";
import type { Registry } from "../record.ts";
import type { Family } from "./family.ts";
import {
  formatLabels,
  joinLabels,
  parentLabels,
  routeLabels,
} from "./labels.ts";
import { outboundRouteLabels } from "./outbound-routes.ts";
import type { Series } from "./series.ts";

/** Connections that are not parsed, by the route they take. */
export interface TcpRouteFamilies {
  readonly opened: Family<Series>;
  /** With `error` behind. */
  readonly closed: Family<Series>;
}

/** Declares `outbound_tcp_route_*`, or `outbound_tls_route_*` for TLS that is passed on. */
export function tcpRouteFamilies(
  registry: Registry,
  protocol: "tcp" | "tls",
): TcpRouteFamilies {
  const prefix = `outbound_${protocol}_route`;
  const connections = protocol === "tls" ? "TLS connections" : "Connections";
  return {
    opened: registry.counter(
      `${prefix}_open_total`,
      `${connections} a route took`,
    ),
    closed: registry.counter(
      `${prefix}_close_total`,
      `${connections} of a route closed`,
    ),
  };
}

/** Why a connection of a route ended; "" when both sides have finished. */
export type TcpRouteError =
  | ""
  | "forbidden"
  | "invalid_backend"
  | "invalid_policy"
  | "unexpected";

/** Labels of `outbound_tls_route_*_total`; `hostname` is the server name that the client asks for. */
export function tlsRouteLabels(
  parent: Meta,
  route: Meta,
  hostname: string,
): string {
  return outboundRouteLabels(parent, route, hostname);
}

/** Labels of `outbound_tcp_route_*_total`. */
export function tcpRouteLabels(
  parent: Meta,
  route: Meta,
  target: SocketAddress,
): string {
  return joinLabels(
    parentLabels(parent),
    routeLabels(route),
    formatLabels([
      ["target_ip", target.ip],
      ["target_port", String(target.port)],
    ]),
  );
}
