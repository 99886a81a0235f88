import { formatAddress, type SocketAddress } from "../schemas/address.ts";
import type { ClientPolicy, ClientRoute } from "../schemas/policy.ts";
import { describe, Problem } from "../schemas/problem.ts";
import type { Member } from "./balance.ts";
import type { QueueOptions } from "./balance/failfast.ts";
import type { Channel } from "./channel.ts";
import type { Control } from "./control.ts";
import { detectEitherSide } from "./detect/either-side.ts";
import type { DiscoverOptions } from "./discover.ts";
import { type Drain, WAITED_FOR } from "./drain.ts";
import { createUpstream, type EndpointContext } from "./endpoint.ts";
import type { Direction } from "./direction.ts";
import { forward } from "./forward.ts";
import { createEarly } from "./http/early.ts";
import type { ServerConnection } from "./http/message.ts";
import { type Http1ServerOptions, serveHttp1 } from "./http1/server.ts";
import type { Http2ServerOptions } from "./http2/options.ts";
import { serveHttp2 } from "./http2/server.ts";
import type { Log } from "./log.ts";
import {
  createUpstreams,
  refuseAll,
  type Upstreams,
  type UpstreamsOptions,
} from "./outbound/backend.ts";
import {
  createDirection,
  type DirectionOptions,
  pinFirst,
} from "./outbound/direction.ts";
import type { OutboundRecorder } from "./outbound/recorder.ts";
import { createTargets, type Target } from "./outbound/targets.ts";
import { createTcpUpstream } from "./outbound/tcp-upstream.ts";
import { openTunnel } from "./outbound/tunnel.ts";
import { relay } from "./relay.ts";
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
}

/** How long an application's connection waits for the control plane to say what its target is. */
const DISCOVERY_TIMEOUT_MS = 10_000;

/** Carries what the pod's applications send out: accept > discover > detect > balance > connect > forward. */
export function startOutbound(
  options: OutboundOptions,
): { readonly addresses: readonly SocketAddress[]; close(): void } {
  const { control, endpoints, recorder, drain, log } = options;

  const targets = createTargets({
    discover: options.discover,
    idleMs: options.idleMs,
    record: recorder.target,
    openHttp: (route, policy) =>
      openRoute(route, {
        control,
        queue: options.httpQueue,
        events: recorder.httpBalancer(policy.parent, route, options.httpQueue),
        random: Math.random,
        create: (endpoint, authority, load, changed) =>
          createUpstream(endpoint, authority, load, endpoints, changed),
      }),
    openTcp: (route) =>
      openRoute(route, {
        control,
        queue: options.tcpQueue,
        events: recorder.tcpBalancer(route, options.tcpQueue),
        random: Math.random,
        create: (endpoint, authority, load) =>
          createTcpUpstream(endpoint, authority, load, endpoints),
      }),
  });
  const listeners = options.listen.map((address) =>
    listenTcp(address, options.accept, accept)
  );
  return {
    addresses: listeners.map((listener) => listener.address),
    close() {
      for (const listener of listeners) listener.close();
    },
  };

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
        `nothing is known of ${formatAddress(target.address)}`,
        {
          hint:
            "check that the control plane can be reached: linkerd check --proxy",
        },
      );
      drop(channel, target, problem);
    }, DISCOVERY_TIMEOUT_MS);
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

  /** Takes the connection for what policy says it is, or finds out. */
  function carry(
    channel: SocketChannel,
    target: Target,
    policy: ClientPolicy,
  ): void {
    target.recorder.accepted();
    switch (policy.protocol.kind) {
      case "http1":
        return serve(channel, "http1", directionTo(target));
      case "http2":
      case "grpc":
        return serve(channel, "http2", directionTo(target));
      case "opaque":
      case "tls":
        return void tunnel(channel, target, openDeclared(target));
      case "detect":
        return detect(channel, target);
    }
  }

  function detect(channel: SocketChannel, target: Target): void {
    const startedMs = performance.now();
    let reached: SocketAddress | null = null;
    const open = async () => {
      const opened = await openTunnel(target.tcp(), "detect");
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
        return void tunnel(channel, target, finding.early ?? open());
      }
      const direction = directionTo(target);
      const { early, protocol } = finding;
      if (early === null) return serve(channel, protocol, direction);
      const first = createEarly(early);
      channel.whenClosed(first.release);
      const upstream = () => reached && target.http().at(reached);
      serve(channel, protocol, pinFirst(direction, first, upstream));
    });
  }

  function serve(
    channel: SocketChannel,
    protocol: "http1" | "http2",
    direction: Direction,
  ): void {
    const connection: ServerConnection = protocol === "http1"
      ? serveHttp1(
        channel,
        options.http1,
        (exchange) => forward(exchange, direction),
      )
      : serveHttp2(
        channel,
        options.http2,
        (exchange) => forward(exchange, direction),
      );
    drain.decide(channel, connection);
  }

  async function tunnel(
    channel: SocketChannel,
    target: Target,
    opening: Promise<Channel>,
  ): Promise<void> {
    channel.pause();
    drain.decide(channel, WAITED_FOR);
    try {
      const server = await opening;
      if (channel.closed) return server.destroy();
      const ended = target.recorder.tunnel();
      relay(
        channel,
        server,
        (error) => ended(error === null ? "" : "unexpected"),
      );
      channel.resume();
    } catch (error) {
      drop(
        channel,
        target,
        error instanceof Problem
          ? error
          : new Problem("connect.failed", describe(error)),
      );
    }
  }

  async function openDeclared(target: Target): Promise<Channel> {
    return (await openTunnel(target.tcp(), null)).channel;
  }

  function directionTo(target: Target): Direction {
    return createDirection(target, options.direction);
  }

  function drop(
    channel: SocketChannel,
    target: Target,
    problem: Problem | null,
  ): void {
    channel.destroy();
    if (problem === null) return;
    recorder.tcpError(problem, target.address);
    log.info("Connection failed", {
      target: formatAddress(target.address),
      error: problem.message,
      hint: problem.hint,
    });
  }
}

function openRoute<M extends Member>(
  route: ClientRoute,
  options: UpstreamsOptions<M>,
): Upstreams<M> {
  const { outcome } = route;
  return outcome.kind === "backend"
    ? createUpstreams(outcome.backend, options)
    : refuseAll(new Problem("forbidden", outcome.message));
}
