import type { Registry } from "../record.ts";
import type { Family } from "./family.ts";
import { type BalancerFamilies, balancerFamilies } from "./balancer.ts";
import {
  formatLabels,
  joinLabels,
  tlsLabels,
  type TlsStatus,
} from "./labels.ts";
import type { Series } from "./series.ts";
import { type HttpFamilies, httpFamilies } from "./traffic.ts";

/** What the clients of the control plane and the identity task count. */
export interface ControlFamilies {
  /** `control_request_total` and its like; labels by `controlLabels`. */
  readonly http: HttpFamilies;
  /** Label `addr` (by `controlAddressLabel`). */
  readonly identityBalancer: BalancerFamilies;
  readonly destinationBalancer: BalancerFamilies;
  readonly policyBalancer: BalancerFamilies;
  /** Of traces. */
  readonly collectorBalancer: BalancerFamilies;
  /** Gauges without labels, in Unix seconds. */
  readonly certificateExpiresAt: Series;
  readonly certificateRefreshesAt: Series;
  readonly certificateRefreshed: Series;
  readonly certificateRefused: Series;
  /** Labels by `dnsLabels`. */
  readonly dnsResolutions: Family<Series>;
}

/** Declares the `control_*` families. */
export function controlFamilies(registry: Registry): ControlFamilies {
  const refreshes = registry.counter(
    "control_identity_cert_refreshes_total",
    "Attempts to get a certificate",
  );
  return {
    http: httpFamilies(registry, "control_"),
    identityBalancer: balancerFamilies(registry, "control_identity"),
    destinationBalancer: balancerFamilies(registry, "control_destination"),
    policyBalancer: balancerFamilies(registry, "control_policy"),
    collectorBalancer: balancerFamilies(registry, "opentelemetry"),
    certificateExpiresAt: registry.gauge(
      "control_identity_cert_expiration_timestamp_seconds",
      "When the certificate in use expires, in Unix seconds",
    ).with(""),
    certificateRefreshesAt: registry.gauge(
      "control_identity_cert_refresh_timestamp_seconds",
      "When the certificate in use was received, in Unix seconds",
    ).with(""),
    certificateRefreshed: refreshes.with(formatLabels([["result", "ok"]])),
    certificateRefused: refreshes.with(formatLabels([["result", "error"]])),
    dnsResolutions: registry.counter(
      "control_dns_resolutions_total",
      "Look-ups of control-plane names",
    ),
  };
}

/** Labels of `control_request_total` and its like: the service's `host:port`, tls. */
export function controlLabels(addr: string, tls: TlsStatus): string {
  return joinLabels(controlAddressLabel(addr), tlsLabels(tls));
}

/** The label `addr`: the control service's `host:port` as configured. */
export function controlAddressLabel(addr: string): string {
  return formatLabels([["addr", addr]]);
}

/** Labels of `control_dns_resolutions_total`. */
export function dnsLabels(
  client: "identity" | "destination" | "policy" | "trace_collector",
  recordType: "A/AAAA" | "SRV",
  result: "ok" | "not_found",
): string {
  return formatLabels([
    ["client", client],
    ["record_type", recordType],
    ["result", result],
  ]);
}
