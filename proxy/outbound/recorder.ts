import type { SocketAddress } from "../../schemas/address.ts";
import type { ClientPolicy, ClientRoute, Meta } from "../../schemas/policy.ts";
import type { Problem } from "../../schemas/problem.ts";
import type { Detection } from "../detect.ts";
import type { Ending, ExchangeMetrics } from "../direction.ts";
import type { BalancerEvents } from "../balance.ts";
import type { QueueOptions } from "../balance/failfast.ts";
import { countOne } from "../record.ts";
import { type BalancerFamilies, balancerSeries } from "../record/balancer.ts";
import { recordConnection } from "../record/connection.ts";
import { type DetectResult, detectResult } from "../record/detect.ts";
import { codeName, endingError } from "../record/ending.ts";
import type { Families } from "../record/families.ts";
import { Holding } from "../record/holding.ts";
import { backendLabels, joinLabels, parentLabels } from "../record/labels.ts";
import {
  outboundBackendLabels,
  type OutboundError,
  outboundErrorLabels,
  outboundProtocolLabels,
  type OutboundRouteFamilies,
  outboundRouteLabels,
  type RouteError,
  routeStatus,
  tcpBalancerLabels,
  tcpRouteLabels,
} from "../record/outbound.ts";
import { outboundSourceLabels } from "../record/traffic.ts";
import type { Series } from "../record/series.ts";
import type { ConnectionMeters } from "../socket.ts";

/** What the outbound side counts, in its own words. */
export interface OutboundRecorder {
  /** One accepted connection, by the address it was meant for. */
  source(address: SocketAddress): ConnectionMeters;
  protocol(
    protocol: "http/1" | "http/2" | "detect" | "opaq" | "tls",
    parent: Meta,
  ): void;
  detected(detection: Detection, tookMs: number, parent: Meta): void;
  httpError(problem: Problem): void;
  tcpError(problem: Problem, address: SocketAddress): void;
  /** The exchanges of one route; release it. */
  route(parent: Meta, route: ClientRoute): ExchangeMetrics;
  /** A tunnel; call the result when it ends. */
  tunnel(
    policy: ClientPolicy,
    address: SocketAddress,
  ): (error: "" | "unexpected") => void;
  httpBalancer(
    parent: Meta,
    route: ClientRoute,
    queue: QueueOptions,
  ): BalancerEvents;
  tcpBalancer(route: ClientRoute, queue: QueueOptions): BalancerEvents;
}

const ERRORS: Readonly<Partial<Record<Problem["code"], OutboundError>>> = {
  "failfast": "failfast",
  "loadshed": "loadshed",
  "connect.failed": "i/o",
  "connect.timeout": "i/o",
  "tls.refused": "identity required",
};

export function createOutboundRecorder(families: Families): OutboundRecorder {
  const { outbound, tcp } = families;
  return {
    source: (address) => recordConnection(tcp, outboundSourceLabels(address)),
    protocol: (protocol, parent) =>
      countOne(outbound.protocols, outboundProtocolLabels(protocol, parent)),
    detected(detection, tookMs, parent) {
      const labels = parentLabels(parent);
      const seconds = outbound.detect.seconds.with(labels);
      seconds.observe(tookMs / 1_000);
      seconds.release();
      countOne(
        outbound.detect.results,
        joinLabels(detectResult(resultOf(detection)), labels),
      );
    },
    httpError: (problem) =>
      countOne(
        outbound.httpErrors,
        outboundErrorLabels(ERRORS[problem.code] ?? "unexpected", null),
      ),
    tcpError: (problem, address) =>
      countOne(
        outbound.tcpErrors,
        outboundErrorLabels(ERRORS[problem.code] ?? "unexpected", address),
      ),
    route: (parent, route) => recordRoute(outbound, parent, route),
    tunnel({ parent, protocol }, address) {
      const labels = tcpRouteLabels(
        parent,
        "opaque" in protocol ? protocol.opaque.meta : parent,
        address,
      );
      countOne(outbound.tcpRouteOpened, labels);
      return (error) =>
        countOne(
          outbound.tcpRouteClosed,
          joinLabels(labels, `error="${error}"`),
        );
    },
    httpBalancer: (parent, route, queue) =>
      recordBalancer(
        outbound.httpBalancer,
        joinLabels(parentLabels(parent), backendLabels(backendOf(route))),
        queue,
      ),
    tcpBalancer(route, queue) {
      const { outcome } = route;
      const path =
        outcome.kind === "backend" && outcome.backend.kind === "balancer"
          ? outcome.backend.path
          : "";
      return recordBalancer(
        outbound.tcpBalancer,
        tcpBalancerLabels(path, path),
        queue,
      );
    },
  };
}

function backendOf({ meta, outcome }: ClientRoute): Meta {
  return outcome.kind === "backend" ? outcome.backend.meta : meta;
}

function recordBalancer(
  families: BalancerFamilies,
  labels: string,
  queue: QueueOptions,
): BalancerEvents {
  const series = balancerSeries(families, labels);
  series.gateTimeout.value = queue.failfastMs / 1_000;
  // Differences, because balancers of one Service share their gauges: one for each address that it is reached by.
  let known = { ready: 0, pending: 0 };
  let waiting = 0;
  return {
    endpoints(now) {
      const ready = now.ready - known.ready;
      const pending = now.pending - known.pending;
      series.ready.value += ready;
      series.pending.value += pending;
      series.known.value += ready + pending;
      known = now;
    },
    updated({ added, removed }) {
      series.adds.value += added;
      series.removes.value += removed;
    },
    gate(open) {
      (open ? series.gateOpened : series.gateShut).value += 1;
      (open ? series.gateOpenedAt : series.gateShutAt).value = Date.now() /
        1_000;
    },
    queued(length) {
      series.queueLength.value += length - waiting;
      waiting = length;
    },
    served(waitedMs) {
      series.queueRequests.value += 1;
      series.queueSeconds.observe(waitedMs / 1_000);
    },
    close: series.release,
  };
}

/** How detection is called in `*_tcp_detect_http_results_total`. */
export function resultOf(detection: Detection): DetectResult {
  switch (detection.kind) {
    case "timeout":
      return "read_timeout";
    case "gone":
      return "error";
    case "detected":
      return detection.protocol === "opaque"
        ? "not_http"
        : detection.protocol === "http1"
        ? "http/1"
        : "http/2";
  }
}

function recordRoute(
  families: { http: OutboundRouteFamilies; grpc: OutboundRouteFamilies },
  parent: Meta,
  route: ClientRoute,
): ExchangeMetrics {
  const routeText = outboundRouteLabels(parent, route.meta, "");
  const backendText = outboundBackendLabels(
    parent,
    route.meta,
    backendOf(route),
  );
  const holding = new Holding();
  const open = (kind: "http" | "grpc") => {
    const of = families[kind];
    return {
      requestSeconds: holding.keep(of.requestSeconds.with(routeText)),
      requestFrames: holding.keep(of.requestFrameBytes.with(routeText)),
      requests: holding.keep(of.backendRequests.with(backendText)),
      backendSeconds: holding.keep(of.backendSeconds.with(backendText)),
      backendFrames: holding.keep(of.backendFrameBytes.with(backendText)),
    };
  };
  type Kind = ReturnType<typeof open>;
  let http: Kind | null = null;
  let grpc: Kind | null = null;
  const of = (isGrpc: boolean): Kind =>
    isGrpc ? grpc ??= open("grpc") : http ??= open("http");
  const byLabels = new Map<string, readonly Series[]>();
  const seriesOf = (isGrpc: boolean, status: string, error: RouteError) => {
    const labels = routeStatus(isGrpc ? "grpc" : "http", status, error);
    let pair = byLabels.get(labels);
    if (pair === undefined) {
      const { requestStatuses, backendStatuses } =
        families[isGrpc ? "grpc" : "http"];
      pair = [
        holding.keep(requestStatuses.with(joinLabels(routeText, labels))),
        holding.keep(backendStatuses.with(joinLabels(backendText, labels))),
      ];
      byLabels.set(labels, pair);
    }
    return pair;
  };
  /** Complete responses by HTTP status: nearly all of them, and no text is made to find their series. */
  const byStatus = new Map<number, readonly Series[]>();
  const statusSeries = (
    isGrpc: boolean,
    { status, grpcStatus, reset }: Ending,
  ) => {
    if (isGrpc) {
      return seriesOf(isGrpc, codeName(grpcStatus), endingError(reset));
    }
    if (reset !== null) {
      return seriesOf(
        isGrpc,
        status === 0 ? "" : String(status),
        endingError(reset),
      );
    }
    let found = byStatus.get(status);
    if (found === undefined) {
      found = seriesOf(isGrpc, String(status), "");
      byStatus.set(status, found);
    }
    return found;
  };
  return {
    dispatched: (isGrpc) => void (of(isGrpc).requests.value += 1),
    requestFrame: (isGrpc, bytes) => of(isGrpc).requestFrames.observe(bytes),
    responseFrame: (isGrpc, bytes) => of(isGrpc).backendFrames.observe(bytes),
    ended(isGrpc, ending, sinceStartMs, sinceSentMs) {
      const series = of(isGrpc);
      series.requestSeconds.observe(sinceStartMs / 1_000);
      series.backendSeconds.observe(sinceSentMs / 1_000);
      for (const one of statusSeries(isGrpc, ending)) one.value += 1;
    },
    release() {
      holding.release();
      http = grpc = null;
      byLabels.clear();
      byStatus.clear();
    },
  };
}
