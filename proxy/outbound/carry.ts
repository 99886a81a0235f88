import type { SocketAddress } from "../../schemas/address.ts";
import type { ClientPolicy } from "../../schemas/client-policy.ts";
import { describe, Problem } from "../../schemas/problem.ts";
import type { Channel } from "../channel.ts";
import { detectTls } from "../detect.ts";
import { detectEitherSide } from "../detect/either-side.ts";
import type { Direction } from "../direction.ts";
import { WAITED_FOR } from "../drain.ts";
import { forward } from "../forward.ts";
import { createEarly } from "../http/early.ts";
import type {
  Exchange,
  ServerConnection,
  ServeRequest,
} from "../http/message.ts";
import { serveHttp1 } from "../http1/server.ts";
import { serveHttp2 } from "../http2/server.ts";
import { relay } from "../relay.ts";
import type { SocketChannel } from "../socket.ts";
import { traceRequests } from "../trace/trace-requests.ts";
import { pinFirst } from "./direction.ts";
import { type IngressOptions, serveIngress } from "./ingress.ts";
import type { OutboundOptions } from "./options.ts";
import { tcpRouteError } from "./target-recorder.ts";
import type { Target } from "./target.ts";
import type { TcpWay } from "./tcp-routes.ts";
import { openTunnel } from "./tunnel.ts";

const NO_SERVER_NAME = new Problem(
  "protocol.invalid",
  "policy declares TLS, and the connection does not begin with a server name",
  { hint: "check the protocol that the Service's port declares" },
);

/** What is done with a connection whose target is known: detect > balance > connect > forward. */
export interface Carrier {
  /** Takes the connection for what policy says it is, or finds out. */
  carry(channel: SocketChannel, target: Target, policy: ClientPolicy): void;
  /** Forwards its requests. */
  serve(
    channel: SocketChannel,
    protocol: "http1" | "http2",
    direction: Direction,
  ): void;
}

export interface CarrierOptions
  extends
    Pick<IngressOptions, "take" | "patienceMs">,
    Pick<
      OutboundOptions,
      | "ingress"
      | "detectTimeoutMs"
      | "tracing"
      | "http1"
      | "http2"
      | "drain"
    > {
  directionTo(target: Target, source: SocketAddress | null): Direction;
  /** Ends a connection for a problem, or as nobody needs it any more. */
  drop(channel: SocketChannel, target: Target, problem: Problem | null): void;
}

export function createCarrier(options: CarrierOptions): Carrier {
  const { directionTo, drop, drain } = options;
  return { carry, serve };

  function carry(
    channel: SocketChannel,
    target: Target,
    policy: ClientPolicy,
  ): void {
    target.recorder.accepted();
    // The requests of one connection may be for many targets.
    if (options.ingress) return detect(channel, target);
    switch (policy.protocol.kind) {
      case "http1":
        return serve(channel, "http1", directionTo(target, channel.remote));
      case "http2":
      case "grpc":
        return serve(channel, "http2", directionTo(target, channel.remote));
      case "opaque":
        return void tunnel(channel, target, target.routeTcp(null), null);
      case "tls":
        return passTls(channel, target);
      case "detect":
        return detect(channel, target);
    }
  }

  function detect(channel: SocketChannel, target: Target): void {
    const startedMs = performance.now();
    let reached: SocketAddress | null = null;
    const way = target.routeTcp(null);
    const open = async () => {
      const opened = await openTunnel(way, "detect");
      reached = opened.address;
      return opened.channel;
    };
    detectEitherSide(channel, {
      timeoutMs: options.detectTimeoutMs,
      habits: target.habits,
      open,
    }, (finding, detection) => {
      target.recorder.detected(detection, performance.now() - startedMs);
      if (finding.kind === "gone") return drop(channel, target, null);
      if (finding.kind === "opaque") {
        return void tunnel(channel, target, way, finding.early ?? open());
      }
      const direction = directionTo(target, channel.remote);
      const { early, protocol } = finding;
      if (early === null) return serve(channel, protocol, direction);
      const first = createEarly(early);
      channel.whenClosed(first.release);
      serve(channel, protocol, pinFirst(direction, first, () => reached));
    });
  }

  function serve(
    channel: SocketChannel,
    protocol: "http1" | "http2",
    direction: Direction,
  ): void {
    const respond = traceRequests(
      options.tracing,
      "outbound",
      options.ingress
        ? respondInIngress(channel, direction)
        : (exchange: Exchange) => forward(exchange, direction),
    );
    const connection: ServerConnection = protocol === "http1"
      ? serveHttp1(channel, options.http1, respond)
      : serveHttp2(channel, options.http2, respond);
    drain.decide(channel, connection);
  }

  function respondInIngress(
    channel: SocketChannel,
    dialled: Direction,
  ): ServeRequest {
    const { serve, release } = serveIngress(dialled, {
      take: options.take,
      directionTo: (target) => directionTo(target, channel.remote),
      patienceMs: options.patienceMs,
    });
    channel.whenClosed(release);
    return serve;
  }

  /** TLS that is passed on as it is, by the name of the server that the client asks for. */
  function passTls(channel: SocketChannel, target: Target): void {
    const { detectTimeoutMs } = options;
    const silence = null;
    detectTls(channel, { timeoutMs: detectTimeoutMs, silence }, (found) => {
      if (found.kind === "gone") return drop(channel, target, null);
      const sni = found.kind === "hello" ? found.sni : null;
      if (sni === null) return drop(channel, target, NO_SERVER_NAME);
      void tunnel(channel, target, target.routeTcp(sni), null, sni);
    });
  }

  /** Forwards bytes over `opening`, or what is opened for bytes that are declared. */
  async function tunnel(
    channel: SocketChannel,
    target: Target,
    way: TcpWay,
    opening: Promise<Channel> | null,
    sni: string | null = null,
  ): Promise<void> {
    channel.pause();
    drain.decide(channel, WAITED_FOR);
    const ended = target.recorder.tunnel(way.meta, sni);
    try {
      const server = await (opening ?? openDeclared(way));
      if (channel.closed) {
        ended("");
        return server.destroy();
      }
      relay(
        channel,
        server,
        (error) => ended(error === null ? "" : "unexpected"),
      );
      channel.resume();
    } catch (error) {
      const problem = error instanceof Problem
        ? error
        : new Problem("connect.failed", describe(error));
      ended(tcpRouteError(problem.code));
      drop(channel, target, problem);
    }
  }

  async function openDeclared(way: TcpWay): Promise<Channel> {
    return (await openTunnel(way, null)).channel;
  }
}
