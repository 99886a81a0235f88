import type { ClientRoute, Meta } from "../../schemas/policy.ts";
import type { Ending, ExchangeMetrics } from "../direction.ts";
import { codeName, endingError } from "../record/ending.ts";
import { Holding } from "../record/holding.ts";
import { joinLabels } from "../record/labels.ts";
import {
  outboundBackendLabels,
  type OutboundRouteFamilies,
  outboundRouteLabels,
  type RouteError,
  routeStatus,
} from "../record/outbound.ts";
import type { Series } from "../record/series.ts";

/** What a route sends to, as metrics name it. */
export function backendOf({ meta, outcome }: ClientRoute): Meta {
  return outcome.kind === "backend" ? outcome.backend.meta : meta;
}

/** The exchanges of one route; release it. */
export function recordRoute(
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
