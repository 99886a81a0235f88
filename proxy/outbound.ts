import type { SocketAddress } from "../schemas/address.ts";
import type { ClientPolicy } from "../schemas/client-policy.ts";
import { describe, Problem } from "../schemas/problem.ts";
import type { BalancerEvents } from "./balance.ts";
import type { QueueOptions } from "./balance/failfast.ts";
import type { Channel } from "./channel.ts";
import type { Control } from "./control.ts";
import { detectHttp, detectTls } from "./detect.ts";
import { detectEitherSide } from "./detect/either-side.ts";
import type { DiscoverOptions } from "./discover.ts";
import { type Drain, WAITED_FOR } from "./drain.ts";
import { createUpstream, type EndpointContext } from "./endpoint.ts";
import type { Direction } from "./direction.ts";
import { forward } from "./forward.ts";
import type { Beyond } from "./gateway/beyond.ts";
import { createEarly } from "./http/early.ts";
import type {
  Exchange,
  ServerConnection,
  ServeRequest,
} from "./http/message.ts";
import { type Http1ServerOptions, serveHttp1 } from "./http1/server.ts";
import type { Http2ServerOptions } from "./http2/options.ts";
import { serveHttp2 } from "./http2/server.ts";
import type { Log } from "./log.ts";
import {
  createUpstreams,
  type LiveBackend,
  type Upstreams,
} from "./outbound/backend.ts";
import { createBeyond } from "./outbound/beyond.ts";
import {
  createDirection,
  type DirectionOptions,
  pinFirst,
} from "./outbound/direction.ts";
import { serveIngress } from "./outbound/ingress.ts";
import type { OutboundRecorder } from "./outbound/recorder.ts";
import { createTargets, type Target } from "./outbound/targets.ts";
import { tcpRouteError } from "./outbound/target-recorder.ts";
import type { TcpWay } from "./outbound/tcp-routes.ts";
import {
  createTcpUpstream,
  type TcpUpstream,
} from "./outbound/tcp-upstream.ts";
import { openTunnel } from "./outbound/tunnel.ts";
import { relay } from "./relay.ts";
import type { Tracing } from "./trace/request-trace.ts";
import { traceRequests } from "./trace/trace-requests.ts";
import {
  type ListenOptions,
  listenTcp,
  meter,
  type SocketChannel,
} from "./socket.ts";

export interface OutboundOptions {
  readonly listen: readonly SocketAddress[];
  readonly accept: ListenOptions;
  readonly detectTimeoutMs: number;
  /** How long a connection waits for the control plane to say what its target is; 10 s by default. */
  readonly discoveryTimeoutMs?: number;
  /** How long a target that nobody uses is remembered. */
  readonly idleMs: number;
  readonly discover: DiscoverOptions;
  readonly control: Control;
  readonly endpoints: EndpointContext;
  readonly httpQueue: QueueOptions;
  readonly tcpQueue: QueueOptions;
  readonly direction: DirectionOptions;
  readonly http1: Http1ServerOptions;
  readonly http2: Http2ServerOptions;
  readonly recorder: OutboundRecorder;
  readonly drain: Drain;
  readonly log: Log;
  /** Whether requests are counted by the host they ask for. */
  readonly hostnameLabels: boolean;
  /** Whether requests may name their target. */
  readonly ingress: boolean;
  /** Set when requests take part in traces. */
  readonly tracing?: Tracing | undefined;
}

const DISCOVERY_TIMEOUT_MS = 10_000;

/** How long it may then take to see what the connection begins with: its bytes have been waiting. */
const UNKNOWN_SPEAKS_MS = 100;

const NO_SERVER_NAME = new Problem(
  "protocol.invalid",
  "policy declares TLS, and the connection does not begin with a server name",
  { hint: "check the protocol that the Service's port declares" },
);

/** Carries what the pod's applications send out: accept > discover > detect > balance > connect > forward. */
export function startOutbound(
  options: OutboundOptions,
): {
  readonly addresses: readonly SocketAddress[];
  /** What a gateway's client asks for as `name:port`; release it. */
  beyond(name: string): Beyond;
  close(): void;
} {
  const { control, endpoints, recorder, drain, log } = options;
  const patienceMs = options.discoveryTimeoutMs ?? DISCOVERY_TIMEOUT_MS;

  const withoutOverride: EndpointContext = {
    ...endpoints,
    unidentified: "ingress-without-override",
  };
  const targets = createTargets({
    discover: options.discover,
    idleMs: options.idleMs,
    record: (address) => recorder.target(address, options.ingress),
    families: endpoints.families.outbound,
    hostnames: options.hostnameLabels,
    random: Math.random,
    openHttp: (backend, accrual, parent, dialled) =>
      createUpstreams(backend, {
        control,
        queue: options.httpQueue,
        accrual,
        events: recorder.httpBalancer(parent, backend, options.httpQueue),
        random: Math.random,
        create: (endpoint, authority, load, changed, breaker) =>
          createUpstream(
            endpoint,
            authority,
            load,
            options.ingress && dialled ? withoutOverride : endpoints,
            changed,
            breaker,
          ),
      }),
    openTcp: (backend) =>
      openBytes(backend, recorder.tcpBalancer(backend, options.tcpQueue)),
    openTls: (backend) =>
      openBytes(backend, recorder.tlsBalancer(backend, options.tcpQueue)),
  });
  const listeners = options.listen.map((address) =>
    listenTcp(address, options.accept, accept)
  );
  return {
    addresses: listeners.map((listener) => listener.address),
    beyond(name) {
      const target = targets.take(name);
      return createBeyond(target, directionTo(target, null), patienceMs);
    },
    close() {
      for (const listener of listeners) listener.close();
    },
  };

  function openBytes(
    backend: LiveBackend,
    events: BalancerEvents,
  ): Upstreams<TcpUpstream> {
    return createUpstreams(backend, {
      control,
      queue: options.tcpQueue,
      accrual: null,
      events,
      random: Math.random,
      create: (endpoint, authority, load) =>
        createTcpUpstream(endpoint, authority, load, endpoints),
    });
  }

  /** Finds out where the application wanted to go, and what policy says of it. */
  function accept(channel: SocketChannel): void {
    const address = channel.dialled();
    const target = targets.take(address);
    meter(channel, target.recorder.meters);
    channel.whenClosed(drain.hold(channel));
    channel.whenClosed(target.release);
    const { policy } = target;
    if (policy === null) discover(channel, target);
    else carry(channel, target, policy);
  }

  /** Waits for the first policy of a target. */
  function discover(channel: SocketChannel, target: Target): void {
    channel.pause();
    const unknown = setTimeout(() => {
      const problem = new Problem(
        "failfast",
        `nothing is known of ${target.name}`,
        {
          hint:
            "check that the control plane can be reached: linkerd check --proxy",
        },
      );
      forget();
      channel.resume();
      answerUnknown(channel, target, problem);
    }, patienceMs);
    const forget = target.ready((policy) => {
      clearTimeout(unknown);
      channel.resume();
      carry(channel, target, policy);
    });
    channel.whenClosed(() => {
      clearTimeout(unknown);
      forget();
    });
  }

  /** Tells who has sent an HTTP request that nothing is known of its target; anybody else is closed. */
  function answerUnknown(
    channel: SocketChannel,
    target: Target,
    problem: Problem,
  ): void {
    const listening = { timeoutMs: UNKNOWN_SPEAKS_MS, silence: null };
    detectHttp(channel, listening, (detection) => {
      const protocol = detection.kind === "detected"
        ? detection.protocol
        : "opaque";
      if (protocol === "opaque") return drop(channel, target, problem);
      serve(channel, protocol, {
        ...directionTo(target, channel.remote),
        route: (head) => target.policy === null ? problem : target.route(head),
      });
    });
  }

  /** Takes the connection for what policy says it is, or finds out. */
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
      take: targets.take,
      directionTo: (target) => directionTo(target, channel.remote),
      patienceMs,
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

  function directionTo(
    target: Target,
    source: SocketAddress | null,
  ): Direction {
    return createDirection(target, options.direction, source);
  }

  function drop(
    channel: SocketChannel,
    target: Target,
    problem: Problem | null,
  ): void {
    channel.destroy();
    if (problem === null) return;
    recorder.tcpError(problem, channel.dialled());
    log.info("Connection failed", {
      target: target.name,
      error: problem.message,
      hint: problem.hint,
    });
  }
}
