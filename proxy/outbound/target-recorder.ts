import type { SocketAddress } from "../../schemas/address.ts";
import type { ClientPolicy, ClientRoute } from "../../schemas/policy.ts";
import type { Detection } from "../detect.ts";
import type { ExchangeMetrics } from "../direction.ts";
import { type DetectResult, detectResult, resultOf } from "../record/detect.ts";
import type { Families } from "../record/families.ts";
import { Holding } from "../record/holding.ts";
import { joinLabels, parentLabels } from "../record/labels.ts";
import { outboundProtocolLabels, tcpRouteLabels } from "../record/outbound.ts";
import { TcpRecorder } from "../record/tcp.ts";
import { outboundSourceLabels } from "../record/traffic.ts";
import type { ConnectionMeters } from "../socket.ts";
import { recordRoute } from "./route-recorder.ts";

/**
 * What is counted of all connections to one address. Made once for them: finding their series by label text took a fifth
 * of the proxy's time for a connection (decision 71).
 */
export interface TargetRecorder {
  /** Connections accepted, and their bytes. */
  readonly meters: ConnectionMeters;
  /** Exchanges, by the HTTP route of the policy in force. */
  readonly exchanges: ExchangeMetrics;
  /** This policy is in force from now on. */
  follow(policy: ClientPolicy): void;
  /** A connection is taken for what the policy says it is. */
  accepted(): void;
  detected(detection: Detection, tookMs: number): void;
  /** A tunnel; call the result when it ends. */
  tunnel(): (error: "" | "unexpected") => void;
  release(): void;
}

/** How a policy's protocol is called in `outbound_tcp_protocol_connections_total`. */
const PROTOCOLS = {
  http1: "http/1",
  http2: "http/2",
  grpc: "http/2",
  detect: "detect",
  opaque: "opaq",
  tls: "tls",
} as const;

export function recordTarget(
  families: Families,
  address: SocketAddress,
): TargetRecorder {
  const meters = new TcpRecorder(families.tcp, outboundSourceLabels(address));
  let connections: Connections | null = null;
  let route: ClientRoute | null = null;
  let exchanges: ExchangeMetrics = UNCOUNTED;
  return {
    meters,
    get exchanges() {
      return exchanges;
    },
    follow(policy) {
      connections?.release();
      connections = recordConnections(families, policy, address);
      const { parent, protocol } = policy;
      // A policy that no longer carries HTTP leaves what is open alone (facts 1.3).
      if (!("http" in protocol) || protocol.http === route) return;
      exchanges.release();
      route = protocol.http;
      exchanges = recordRoute(families.outbound, parent, route);
    },
    accepted: () => connections?.accepted(),
    detected: (detection, tookMs) => connections?.detected(detection, tookMs),
    tunnel: () => connections?.tunnel() ?? (() => {}),
    release() {
      meters.release();
      connections?.release();
      exchanges.release();
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
): Connections {
  const holding = new Holding();
  const parentText = parentLabels(parent);
  const tunnelText = tcpRouteLabels(
    parent,
    "opaque" in protocol ? protocol.opaque.meta : parent,
    address,
  );
  const protocols = holding.by(
    outbound.protocols,
    (kind: keyof typeof PROTOCOLS) =>
      outboundProtocolLabels(PROTOCOLS[kind], parent),
  );
  const seconds = holding.by(
    outbound.detect.seconds,
    (parent: string) => parent,
  );
  const results = holding.by(
    outbound.detect.results,
    (result: DetectResult) => joinLabels(detectResult(result), parentText),
  );
  const opened = holding.by(
    outbound.tcpRouteOpened,
    (tunnel: string) => tunnel,
  );
  const closed = holding.by(
    outbound.tcpRouteClosed,
    (error: string) => joinLabels(tunnelText, `error="${error}"`),
  );
  return {
    accepted: () => void (protocols(protocol.kind).value += 1),
    detected(detection, tookMs) {
      seconds(parentText).observe(tookMs / 1_000);
      results(resultOf(detection)).value += 1;
    },
    tunnel() {
      opened(tunnelText).value += 1;
      return (error) => void (closed(error).value += 1);
    },
    release: () => holding.release(),
  };
}

/** Before the first policy nothing is sent. */
const UNCOUNTED: ExchangeMetrics = {
  dispatched() {},
  requestFrame() {},
  responseFrame() {},
  ended() {},
  release() {},
};
