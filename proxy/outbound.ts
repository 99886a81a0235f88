import type { SocketAddress } from "../schemas/address.ts";
import { Problem } from "../schemas/problem.ts";
import { detectHttp } from "./detect.ts";
import type { Direction } from "./direction.ts";
import type { Beyond } from "./gateway/beyond.ts";
import { createBeyond } from "./outbound/beyond.ts";
import { createCarrier } from "./outbound/carry.ts";
import { createDirection } from "./outbound/direction.ts";
import { openTargets } from "./outbound/open-targets.ts";
import type { OutboundOptions } from "./outbound/options.ts";
import type { Target } from "./outbound/target.ts";
import { listenTcp, meter, type SocketChannel } from "./socket.ts";

const DISCOVERY_TIMEOUT_MS = 10_000;

/** How long it may then take to see what the connection begins with: its bytes have been waiting. */
const UNKNOWN_SPEAKS_MS = 100;

/** Carries what the pod's applications send out: accept > discover > detect > balance > connect > forward. */
export function startOutbound(
  options: OutboundOptions,
): {
  readonly addresses: readonly SocketAddress[];
  /** What a gateway's client asks for as `name:port`; release it. */
  beyond(name: string): Beyond;
  close(): void;
} {
  const { recorder, drain, log } = options;
  const patienceMs = options.discoveryTimeoutMs ?? DISCOVERY_TIMEOUT_MS;
  const targets = openTargets(options);
  const { carry, serve } = createCarrier({
    ...options,
    take: targets.take,
    patienceMs,
    directionTo,
    drop,
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
