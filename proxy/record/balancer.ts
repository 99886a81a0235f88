import type { Registry } from "../record.ts";
import type { Family } from "./family.ts";
import { formatLabels, joinLabels } from "./labels.ts";
import type { Histogram, Series } from "./series.ts";

/** Families of one kind of balancer. */
export interface BalancerFamilies {
  readonly endpoints: Family<Series>;
  readonly p2cEndpoints: Family<Series>;
  readonly p2cUpdates: Family<Series>;
  readonly queueLength: Family<Series>;
  readonly queueRequests: Family<Series>;
  readonly queueSeconds: Family<Histogram>;
  readonly gateOpened: Family<Series>;
  readonly gateShut: Family<Series>;
  readonly gateOpenedAt: Family<Series>;
  readonly gateShutAt: Family<Series>;
  readonly gateTimeout: Family<Series>;
}

/** All series of one balancer, held until `release`. */
export interface BalancerSeries {
  /** Gauges: endpoints that may be picked now, and those that may not. */
  readonly ready: Series;
  readonly pending: Series;
  /** Gauge: endpoints known to the picker. */
  readonly known: Series;
  /** Counters: updates from discovery. */
  readonly resets: Series;
  readonly adds: Series;
  readonly removes: Series;
  readonly queueLength: Series;
  readonly queueRequests: Series;
  readonly queueSeconds: Histogram;
  readonly gateOpened: Series;
  readonly gateShut: Series;
  /** Gauges: Unix seconds of the last change. */
  readonly gateOpenedAt: Series;
  readonly gateShutAt: Series;
  /** Gauge: the failfast timeout in seconds. */
  readonly gateTimeout: Series;
  release(): void;
}

/** Declares `<prefix>_balancer_*`; prefixes: `outbound_http`, `outbound_tcp`, `control_identity` and its like. */
export function balancerFamilies(
  registry: Registry,
  prefix: string,
): BalancerFamilies {
  const name = `${prefix}_balancer`;
  return {
    endpoints: registry.gauge(`${name}_endpoints`, "Endpoints by readiness"),
    p2cEndpoints: registry.gauge(`${name}_p2c_endpoints`, "Endpoints known"),
    p2cUpdates: registry.counter(
      `${name}_p2c_updates_total`,
      "Updates of the endpoints known",
    ),
    queueLength: registry.gauge(
      `${name}_queue_length`,
      "Requests or connections waiting for a ready endpoint",
    ),
    queueRequests: registry.counter(
      `${name}_queue_requests_total`,
      "Requests or connections handed to the balancer",
    ),
    queueSeconds: registry.histogram(
      `${name}_queue_latency_seconds`,
      "Time spent waiting for a ready endpoint",
      [0.0005, 0.005, 0.05, 0.5, 1, 3],
    ),
    gateOpened: registry.counter(
      `${name}_queue_gate_open_total`,
      "Times failfast ended",
    ),
    gateShut: registry.counter(
      `${name}_queue_gate_shut_total`,
      "Times failfast began",
    ),
    gateOpenedAt: registry.gauge(
      `${name}_queue_gate_open_time_seconds`,
      "When failfast last ended, in Unix seconds",
    ),
    gateShutAt: registry.gauge(
      `${name}_queue_gate_shut_time_seconds`,
      "When failfast last began, in Unix seconds",
    ),
    gateTimeout: registry.gauge(
      `${name}_queue_gate_timeout_seconds`,
      "How long a balancer may have no ready endpoint before failfast",
    ),
  };
}

/** Takes the series of one balancer. */
export function balancerSeries(
  families: BalancerFamilies,
  labels: string,
): BalancerSeries {
  const state = (value: string) =>
    joinLabels(formatLabels([["endpoint_state", value]]), labels);
  const op = (value: string) =>
    joinLabels(formatLabels([["op", value]]), labels);
  const series = {
    ready: families.endpoints.with(state("ready")),
    pending: families.endpoints.with(state("pending")),
    known: families.p2cEndpoints.with(labels),
    resets: families.p2cUpdates.with(op("Reset")),
    adds: families.p2cUpdates.with(op("Add")),
    removes: families.p2cUpdates.with(op("Remove")),
    queueLength: families.queueLength.with(labels),
    queueRequests: families.queueRequests.with(labels),
    queueSeconds: families.queueSeconds.with(labels),
    gateOpened: families.gateOpened.with(labels),
    gateShut: families.gateShut.with(labels),
    gateOpenedAt: families.gateOpenedAt.with(labels),
    gateShutAt: families.gateShutAt.with(labels),
    gateTimeout: families.gateTimeout.with(labels),
  };
  return {
    ...series,
    release() {
      for (const one of Object.values(series)) one.release();
    },
  };
}
