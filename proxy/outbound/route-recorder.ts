import type { Meta } from "../../schemas/policy.ts";
import type { RequestHead } from "../http/message.ts";
import type { BackendMetrics, Ending, RouteMetrics } from "../direction.ts";
import { codeName, endingError } from "../record/ending.ts";
import type { Family } from "../record/family.ts";
import { Holding } from "../record/holding.ts";
import { joinLabels } from "../record/labels.ts";
import { createNames } from "../record/names.ts";
import {
  outboundBackendLabels,
  type OutboundRouteFamilies,
  outboundRouteLabels,
  routeStatus,
} from "../record/outbound-routes.ts";
import type { Series } from "../record/series.ts";

type Families = {
  readonly http: OutboundRouteFamilies;
  readonly grpc: OutboundRouteFamilies;
};

/** Gives the series back; exchanges that are over only then still count. */
export interface Released {
  release(): void;
}

/** The requests of one route, by the host that they ask for; release it. The first hosts have series of their own, all others one. */
export function recordHosts(
  families: Families,
  parent: Meta,
  route: Meta,
): { of(head: RequestHead): RouteMetrics } & Released {
  const byHost = new Map<string, RouteMetrics & Released>();
  const names = createNames(families.http.requestStatuses);
  return {
    of({ authority, host }) {
      const asked = (authority ?? host)?.text ?? "";
      const name = names(asked.replace(/:\d*$/, "").toLowerCase());
      let recorder = byHost.get(name);
      if (recorder === undefined) {
        recorder = recordRoute(families, parent, route, name);
        byHost.set(name, recorder);
      }
      return recorder;
    },
    release() {
      for (const recorder of byHost.values()) recorder.release();
    },
  };
}

/** The requests of one route; release it. `hostname` is "" where hosts are not told apart. */
export function recordRoute(
  families: Families,
  parent: Meta,
  route: Meta,
  hostname = "",
): RouteMetrics & Released {
  const holding = new Holding();
  // Nothing is made for routes that no request takes: there may be thousands.
  const labelled = () => outboundRouteLabels(parent, route, hostname);
  const of = perKind(families, (family) => {
    const labels = labelled();
    return {
      seconds: holding.keep(family.requestSeconds.with(labels)),
      frames: holding.keep(family.requestFrameBytes.with(labels)),
      statuses: countStatuses(holding, family.requestStatuses, labels),
    };
  });
  const retriesOf = perKind(families, ({ retries }) => {
    const labels = labelled();
    return {
      request: holding.keep(retries.request.with(labels)),
      success: holding.keep(retries.success.with(labels)),
      limit: holding.keep(retries.limit.with(labels)),
      overflow: holding.keep(retries.overflow.with(labels)),
      // Rules of client policy have none.
      budget: holding.keep(retries.overflow.with(labels)),
    };
  });
  return {
    retried: (grpc, event) => void (retriesOf(grpc)[event].value += 1),
    requestFrame: (grpc, bytes) => of(grpc).frames.observe(bytes),
    finished(grpc, ending, sinceStartMs) {
      const series = of(grpc);
      series.seconds.observe(sinceStartMs / 1_000);
      series.statuses(grpc, ending);
    },
    release: () => holding.release(),
  };
}

/** What a route sends to one of its backends; release it. */
export function recordBackend(
  families: Families,
  parent: Meta,
  route: Meta,
  backend: Meta,
): BackendMetrics & Released {
  const holding = new Holding();
  const of = perKind(families, (family) => {
    const labels = outboundBackendLabels(parent, route, backend);
    return {
      requests: holding.keep(family.backendRequests.with(labels)),
      seconds: holding.keep(family.backendSeconds.with(labels)),
      frames: holding.keep(family.backendFrameBytes.with(labels)),
      statuses: countStatuses(holding, family.backendStatuses, labels),
    };
  });
  return {
    dispatched: (grpc) => void (of(grpc).requests.value += 1),
    responseFrame: (grpc, bytes) => of(grpc).frames.observe(bytes),
    ended(grpc, ending, _sinceStartMs, sinceSentMs) {
      const series = of(grpc);
      series.seconds.observe(sinceSentMs / 1_000);
      series.statuses(grpc, ending);
    },
    release: () => holding.release(),
  };
}

/** Series for HTTP and for gRPC, each opened when it is first needed. */
function perKind<S>(
  families: Families,
  open: (family: OutboundRouteFamilies) => S,
): (grpc: boolean) => S {
  let http: S | null = null;
  let grpc: S | null = null;
  return (isGrpc) =>
    isGrpc ? grpc ??= open(families.grpc) : http ??= open(families.http);
}

/** Counts endings by status and error. */
function countStatuses(
  holding: Holding,
  family: Family<Series>,
  labels: string,
): (grpc: boolean, ending: Ending) => void {
  const byText = holding.by(
    family,
    (text: string) => joinLabels(labels, text),
  );
  /** Complete responses by HTTP status: nearly all of them, and no text is made to find their series. */
  const byStatus = holding.by(
    family,
    (status: number) =>
      joinLabels(labels, routeStatus("http", String(status), "")),
  );
  return (grpc, ending) => {
    const { status, grpcStatus } = ending;
    const error = endingError(ending);
    const series = !grpc && error === "" ? byStatus(status) : grpc
      ? byText(
        routeStatus(
          "grpc",
          grpcStatus === null && error !== "" ? "" : codeName(grpcStatus),
          error,
        ),
      )
      : byText(routeStatus("http", status === 0 ? "" : String(status), error));
    series.value += 1;
  };
}
