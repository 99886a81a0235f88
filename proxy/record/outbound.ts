import type { SocketAddress } from "../../schemas/address.ts";
import type { Meta } from "../../schemas/policy.ts";
import type { Registry } from "../record.ts";
import type { Family } from "./family.ts";
import { type BalancerFamilies, balancerFamilies } from "./balancer.ts";
import { type DetectFamilies, detectFamilies } from "./detect.ts";
import {
  formatLabels,
  joinLabels,
  parentLabels,
  targetLabels,
} from "./labels.ts";
import { type ProfileFamilies, profileFamilies } from "./profile.ts";
import {
  type OutboundRouteFamilies,
  outboundRouteFamilies,
} from "./outbound-routes.ts";
import type { Series } from "./series.ts";
import { type TcpRouteFamilies, tcpRouteFamilies } from "./tcp-routes.ts";

/** What only the outbound side counts. */
export interface OutboundFamilies {
  /** Labels by `outboundProtocolLabels`. */
  readonly protocols: Family<Series>;
  /** Labels by `parentLabels`, results with `result` in front. */
  readonly detect: DetectFamilies;
  /** Labels by `outboundErrorLabels`. */
  readonly httpErrors: Family<Series>;
  readonly tcpErrors: Family<Series>;
  readonly http: OutboundRouteFamilies;
  readonly grpc: OutboundRouteFamilies;
  readonly profile: ProfileFamilies;
  /** Labels by `parentLabels` and `backendLabels`. */
  readonly httpBalancer: BalancerFamilies;
  /** Labels by `tcpBalancerLabels`. */
  readonly tcpBalancer: BalancerFamilies;
  /** Of TLS that is passed on; labels by `tlsBalancerLabels`. */
  readonly tlsBalancer: BalancerFamilies;
  /** Labels by `tcpRouteLabels`. */
  readonly tcpRoutes: TcpRouteFamilies;
  /** Labels by `tlsRouteLabels`. */
  readonly tlsRoutes: TcpRouteFamilies;
}

/** Declares the `outbound_*` families. */
export function outboundFamilies(registry: Registry): OutboundFamilies {
  const counter = (name: string, help: string) =>
    registry.counter(`outbound_${name}_total`, help);
  return {
    protocols: counter(
      "tcp_protocol_connections",
      "Connections by the protocol that policy gives them",
    ),
    detect: detectFamilies(registry, "outbound"),
    httpErrors: counter("http_errors", "Outbound requests that failed here"),
    tcpErrors: counter("tcp_errors", "Outbound connections that failed here"),
    http: outboundRouteFamilies(registry, "http"),
    grpc: outboundRouteFamilies(registry, "grpc"),
    profile: profileFamilies(registry),
    httpBalancer: balancerFamilies(registry, "outbound_http"),
    tcpBalancer: balancerFamilies(registry, "outbound_tcp"),
    tlsBalancer: balancerFamilies(registry, "outbound_tls"),
    tcpRoutes: tcpRouteFamilies(registry, "tcp"),
    tlsRoutes: tcpRouteFamilies(registry, "tls"),
  };
}

/** Labels of `outbound_tcp_protocol_connections_total`. */
export function outboundProtocolLabels(
  protocol: "http/1" | "http/2" | "detect" | "opaq" | "tls",
  parent: Meta,
): string {
  return joinLabels(
    formatLabels([["protocol", protocol]]),
    parentLabels(parent),
  );
}

/** Why an outbound request or connection failed in the proxy. */
export type OutboundError =
  | "loadshed"
  | "failfast"
  | "identity required"
  | "i/o"
  | "response timeout"
  | "unexpected";

/** Labels of `outbound_http_errors_total` (no target) and `outbound_tcp_errors_total`. */
export function outboundErrorLabels(
  error: OutboundError,
  target: SocketAddress | null,
): string {
  return joinLabels(
    formatLabels([["error", error]]),
    target === null ? "" : targetLabels(target),
  );
}

/** Labels of `outbound_tls_balancer_*`: the authority resolved. */
export function tlsBalancerLabels(concrete: string): string {
  return formatLabels([["concrete", concrete]]);
}

/** Labels of `outbound_tcp_balancer_*`: the logical authority and the concrete one resolved. */
export function tcpBalancerLabels(logical: string, concrete: string): string {
  return formatLabels([["logical", logical], ["concrete", concrete]]);
}
