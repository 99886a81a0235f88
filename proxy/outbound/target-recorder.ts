import type { SocketAddress } from "../../schemas/address.ts";
import type { ClientPolicy } from "../../schemas/client-policy.ts";
import type { Meta } from "../../schemas/policy.ts";
import type { ProblemCode } from "../../schemas/problem.ts";
import type { Detection } from "../detect.ts";
import { type DetectResult, detectResult, resultOf } from "../record/detect.ts";
import type { Families } from "../record/families.ts";
import { Holding } from "../record/holding.ts";
import { joinLabels, parentLabels } from "../record/labels.ts";
import type { Names } from "../record/names.ts";
import { outboundProtocolLabels } from "../record/outbound.ts";
import { TcpRecorder } from "../record/tcp.ts";
import {
  type TcpRouteError,
  tcpRouteLabels,
  tlsRouteLabels,
} from "../record/tcp-routes.ts";
import { outboundSourceLabels } from "../record/traffic.ts";
import type { ConnectionMeters } from "../socket.ts";

/**
 * What is counted of all connections to one address. Made once for them: finding their series by label text took a fifth
 * of the proxy's time for a connection (decision 71).
 */
export interface TargetRecorder {
  /** Connections accepted, and their bytes. */
  readonly meters: ConnectionMeters;
  /** This policy is in force from now on. */
  follow(policy: ClientPolicy): void;
  /** A connection is taken for what the policy says it is. */
  accepted(): void;
  detected(detection: Detection, tookMs: number): void;
  /** A tunnel on a route; call the result when it ends. `sni`: of TLS that is passed on by it. */
  tunnel(route: Meta, sni: string | null): (error: TcpRouteError) => void;
  release(): void;
}

/** Whose connections those of an ingress are: they are looked into, whatever the policy of their address says (facts 1.7). */
const INGRESS: Meta = { kind: "default", name: "ingress" };

/** How a policy's protocol is called in `outbound_tcp_protocol_connections_total`. */
const PROTOCOLS = {
  http1: "http/1",
  http2: "http/2",
  grpc: "http/2",
  detect: "detect",
  opaque: "opaq",
  tls: "tls",
} as const;

/** `names`: server names that applications ask for in TLS that is passed on. */
export function recordTarget(
  families: Families,
  address: SocketAddress,
  names: Names,
  ingress = false,
): TargetRecorder {
  const meters = new TcpRecorder(families.tcp, outboundSourceLabels(address));
  let connections: Connections | null = null;
  return {
    meters,
    follow(policy) {
      connections?.release();
      connections = recordConnections(
        families,
        policy,
        address,
        names,
        ingress,
      );
    },
    accepted: () => connections?.accepted(),
    detected: (detection, tookMs) => connections?.detected(detection, tookMs),
    tunnel: (route, sni) => connections?.tunnel(route, sni) ?? (() => {}),
    release() {
      meters.release();
      connections?.release();
    },
  };
}

type Connections = Pick<
  TargetRecorder,
  "accepted" | "detected" | "tunnel" | "release"
>;

/** Counts of connections under one policy. */
function recordConnections(
  { outbound }: Families,
  { parent, protocol }: ClientPolicy,
  address: SocketAddress,
  names: Names,
  ingress: boolean,
): Connections {
  const holding = new Holding();
  const owner = ingress ? INGRESS : parent;
  const parentText = parentLabels(owner);
  const protocols = holding.by(
    outbound.protocols,
    (kind: keyof typeof PROTOCOLS) =>
      outboundProtocolLabels(PROTOCOLS[kind], owner),
  );
  const seconds = holding.by(
    outbound.detect.seconds,
    (parent: string) => parent,
  );
  const results = holding.by(
    outbound.detect.results,
    (result: DetectResult) => joinLabels(detectResult(result), parentText),
  );
  const isTls = protocol.kind === "tls";
  const routes = isTls ? outbound.tlsRoutes : outbound.tcpRoutes;
  const opened = holding.by(routes.opened, (labels: string) => labels);
  const closed = holding.by(routes.closed, (labels: string) => labels);
  return {
    accepted: () =>
      void (protocols(ingress ? "detect" : protocol.kind).value += 1),
    detected(detection, tookMs) {
      seconds(parentText).observe(tookMs / 1_000);
      results(resultOf(detection)).value += 1;
    },
    tunnel(route, sni) {
      const labels = isTls
        ? tlsRouteLabels(parent, route, sni === null ? "" : names(sni))
        : tcpRouteLabels(parent, route, address);
      opened(labels).value += 1;
      return (error) =>
        void (closed(joinLabels(labels, `error="${error}"`)).value += 1);
    },
    release: () => holding.release(),
  };
}

/** Of what no connection is made to: requests name it. */
export const UNDIALLED: TargetRecorder = {
  meters: {
    readBytes: { value: 0 },
    writeBytes: { value: 0 },
    opened() {},
    closed() {},
  },
  follow() {},
  accepted() {},
  detected() {},
  tunnel: () => () => {},
  release() {},
};

/** What a problem with a tunnel is called in metrics. */
export function tcpRouteError(code: ProblemCode): TcpRouteError {
  return ERRORS[code] ?? "unexpected";
}

const ERRORS: Readonly<Partial<Record<ProblemCode, TcpRouteError>>> = {
  "forbidden": "forbidden",
  "backend.missing": "invalid_backend",
  "manifest.invalid": "invalid_policy",
};
