import type { SocketAddress } from "../../schemas/address.ts";
import type { Meta, ServerMeta } from "../../schemas/policy.ts";
import type { Problem } from "../../schemas/problem.ts";
import type { Detection } from "../detect.ts";
import type { BackendMetrics, RouteMetrics } from "../direction.ts";
import type { Scope } from "../policy/rate-limit.ts";
import { countOne } from "../record.ts";
import { recordConnection } from "../record/connection.ts";
import { codeOf } from "../record/classify.ts";
import { detectResult, resultOf } from "../record/detect.ts";
import type { Families } from "../record/families.ts";
import { Holding } from "../record/holding.ts";
import { HttpRecorder } from "../record/http.ts";
import {
  inboundAuthzLabels,
  type InboundError,
  inboundHttpErrorLabels,
  inboundLimitLabels,
  inboundRouteLabels,
  inboundTcpErrorLabels,
  transportHeaderLabels,
} from "../record/inbound.ts";
import {
  formatLabels,
  joinLabels,
  serverLabels,
  type TlsStatus,
} from "../record/labels.ts";
import { createNames } from "../record/names.ts";
import type { Series } from "../record/series.ts";
import { inboundLabels, inboundSourceLabels } from "../record/traffic.ts";
import type { ConnectionMeters } from "../socket.ts";
import { toServerMeta } from "../wire/common.ts";
import type { TransportHeader } from "../wire/transport-header.ts";

/** A connection as the inbound side counts it. */
export interface Counted {
  readonly target: SocketAddress;
  readonly tls: TlsStatus;
  readonly server: ServerMeta;
}

const ERRORS: Readonly<Partial<Record<Problem["code"], InboundError>>> = {
  "failfast": "failfast",
  "loadshed": "loadshed",
  "gateway.domain": "gateway domain invalid",
  "gateway.loop": "gateway loop",
  "connect.failed": "i/o",
  "connect.timeout": "i/o",
};

/** What the inbound side counts, in its own words. */
export function createInboundRecorder(families: Families): {
  /** What a connection is counted as whose TLS is the application's own. */
  passedOn(sni: string | null): TlsStatus;
  source(connection: Counted): ConnectionMeters;
  transportHeader(header: TransportHeader, clientId: string): void;
  detected(
    detection: Detection,
    tookMs: number,
    server: ServerMeta,
    port: number,
  ): void;
  tcpError(
    problem: Problem | "tls detection timeout",
    target: SocketAddress,
  ): void;
  httpError(problem: Problem, connection: Counted): void;
  tcpDecided(connection: Counted, by: ServerMeta | null): void;
  /** Counter of a connection's requests on a route that were permitted by an authorization, or denied; release it. */
  httpDecisions(
    connection: Counted,
    route: ServerMeta,
    by: ServerMeta | null,
  ): Series;
  routeNotFound(connection: Counted): void;
  limited(connection: Counted, limit: Meta, scope: Scope): void;
  terminated(connection: Counted): void;
  /** Requests of a connection on a route that an authorization permits, for a name if names are told apart; release it. */
  requests(
    connection: Counted,
    route: ServerMeta,
    authz: ServerMeta,
    authority?: string,
  ): HttpRecorder;
  /** What the Server of a connection is told of its exchanges on a route; release it. */
  exchanges(connection: Counted, route: ServerMeta): Exchanges;
} {
  const { inbound, tcp, http } = families;
  const names = createNames(tcp.opened);
  return {
    passedOn: (sni) => ({
      kind: "opaque",
      sni: sni === null ? "" : names(sni),
    }),
    source: (connection) =>
      recordConnection(tcp, inboundSourceLabels(connection)),
    transportHeader: ({ port, name, session }, clientId) =>
      countOne(
        inbound.transportHeaders,
        transportHeaderLabels({
          sessionProtocol: SESSIONS[session ?? "none"],
          port,
          name,
          clientId,
        }),
      ),
    detected(detection, tookMs, server, port) {
      const labels = serverLabels(server, port);
      const seconds = inbound.detect.seconds.with(labels);
      seconds.observe(tookMs / 1_000);
      seconds.release();
      countOne(
        inbound.detect.results,
        joinLabels(detectResult(resultOf(detection)), labels),
      );
    },
    tcpError: (problem, target) =>
      countOne(
        inbound.tcpErrors,
        inboundTcpErrorLabels(
          typeof problem === "string"
            ? problem
            : ERRORS[problem.code] ?? "unexpected",
          target,
        ),
      ),
    httpError: (problem, { target, server }) =>
      countOne(
        inbound.httpErrors,
        inboundHttpErrorLabels(
          ERRORS[problem.code] ?? "unexpected",
          target,
          server,
        ),
      ),
    tcpDecided(connection, by) {
      const labels = inboundAuthzLabels(
        by === null ? connection : { ...connection, authz: by },
      );
      countOne(by === null ? inbound.tcpDenied : inbound.tcpAllowed, labels);
    },
    httpDecisions(connection, route, by) {
      return by === null
        ? inbound.httpDenied.with(inboundAuthzLabels({ ...connection, route }))
        : inbound.httpAllowed.with(
          inboundAuthzLabels({ ...connection, route, authz: by }),
        );
    },
    routeNotFound: (connection) =>
      countOne(inbound.routesNotFound, inboundAuthzLabels(connection)),
    limited: (connection, limit, scope) =>
      countOne(
        inbound.limited,
        inboundLimitLabels(connection, toServerMeta(limit), scope),
      ),
    terminated: (connection) =>
      countOne(inbound.tcpTerminated, inboundAuthzLabels(connection)),
    requests: (connection, route, authz, authority) =>
      new HttpRecorder(
        http,
        inboundLabels({
          ...connection,
          route,
          authz,
          ...(authority === undefined ? {} : { authority }),
        }),
      ),
    exchanges: ({ server, target }, route) =>
      recordExchanges(
        inbound,
        inboundRouteLabels(server, target.port, route),
      ),
  };
}

/** Route and backend are one. */
export type Exchanges = RouteMetrics & BackendMetrics & { release(): void };

export type InboundRecorder = ReturnType<typeof createInboundRecorder>;

const SESSIONS = {
  http1: "http/1",
  http2: "http/2",
  detect: "",
  none: "",
} as const;

function recordExchanges(
  families: Families["inbound"],
  labels: string,
): Exchanges {
  const holding = new Holding();
  const open = (kind: "http" | "grpc") => {
    const of = families[kind];
    return {
      requests: holding.keep(of.requests.with(labels)),
      requestSeconds: holding.keep(of.requestSeconds.with(labels)),
      requestFrames: holding.keep(of.requestFrameBytes.with(labels)),
      responseSeconds: holding.keep(of.responseSeconds.with(labels)),
      responseFrames: holding.keep(of.responseFrameBytes.with(labels)),
      statuses: new Map<string, Series>(),
    };
  };
  type Kind = ReturnType<typeof open>;
  let http: Kind | null = null;
  let grpc: Kind | null = null;
  const of = (isGrpc: boolean): Kind =>
    isGrpc ? grpc ??= open("grpc") : http ??= open("http");
  return {
    dispatched: (isGrpc) => void (of(isGrpc).requests.value += 1),
    finished() {},
    retried() {},
    requestFrame: (isGrpc, bytes) => of(isGrpc).requestFrames.observe(bytes),
    responseFrame: (isGrpc, bytes) => of(isGrpc).responseFrames.observe(bytes),
    ended(isGrpc, { status, grpcStatus }, sinceStartMs, sinceSentMs) {
      const series = of(isGrpc);
      series.requestSeconds.observe((sinceStartMs - sinceSentMs) / 1_000);
      series.responseSeconds.observe(sinceSentMs / 1_000);
      const shown = isGrpc
        ? grpcStatus === null ? "" : codeOf(grpcStatus)
        : status === 0
        ? ""
        : String(status);
      let count = series.statuses.get(shown);
      if (count === undefined) {
        count = holding.keep(
          families[isGrpc ? "grpc" : "http"].statuses.with(
            joinLabels(labels, formatLabels([["status", shown]])),
          ),
        );
        series.statuses.set(shown, count);
      }
      count.value += 1;
    },
    release() {
      holding.release();
      http = grpc = null;
    },
  };
}
