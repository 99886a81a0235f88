import { describe, Problem } from "../../schemas/problem.ts";
import { authorizeBytes, isAudit, isNamed } from "../authorize.ts";
import type { Channel } from "../channel.ts";
import { detectEitherSide } from "../detect/either-side.ts";
import { WAITED_FOR } from "../drain.ts";
import { createPassage } from "../gateway/passage.ts";
import { createEarly } from "../http/early.ts";
import { serveHttp1 } from "../http1/server.ts";
import { withProxies } from "../http2/options.ts";
import { serveHttp2 } from "../http2/server.ts";
import { relay } from "../relay.ts";
import { traceRequests } from "../trace/trace-requests.ts";
import type { TransportHeader } from "../wire/transport-header.ts";
import { type Connection, type Connections, counted } from "./connection.ts";
import { createDenials } from "./denials.ts";
import type { DirectConnection } from "./direct.ts";
import type { InboundOptions } from "./options.ts";
import { forwardBy } from "./profiles.ts";
import { answerRefusal } from "./refusal.ts";
import { createRequests } from "./requests.ts";

const NO_GATEWAY = new Problem("forbidden", "this proxy is not a gateway");

/** What is done with a connection whose bytes can be read: detect > authorize > forward. */
export interface Carrier {
  /** Decrypted bytes of unknown protocol: policy names it, or detection finds it. */
  plain(connection: Connection, early: Promise<Channel> | null): void;
  /** A direct connection has said what it carries. */
  carry(connection: Connection, session: TransportHeader["session"]): void;
  /** Through this proxy to what its client names: judged as calls of this very port, and carried by the outbound side. */
  pass(connection: Connection, direct: DirectConnection): void;
  /** Forwards bytes as long as policy permits. */
  tunnel(connection: Connection, early: Promise<Channel> | null): void;
}

export function createCarrier(
  options: InboundOptions,
  { openApp, drop }: Connections,
): Carrier {
  const { recorder, drain } = options;
  const meshHttp2 = withProxies(options.http2);
  const denials = createDenials(options.log);
  const toApplication = forwardBy(options.profiles);
  return { plain, carry, pass, tunnel };

  function plain(
    connection: Connection,
    early: Promise<Channel> | null,
  ): void {
    const { channel, port, caller } = connection;
    const { protocol, meta } = port.policy;
    const meshed = caller.tls !== null;
    switch (protocol.kind) {
      case "opaque":
      case "tls":
        return tunnel(connection, early);
      case "http2":
      case "grpc":
        return serve(connection, "http2", early);
      case "http1":
        // A meshed peer may have upgraded its requests to HTTP/2; an unmeshed one speaks what the port speaks.
        if (!meshed) return serve(connection, "http1", early);
        break;
      case "detect":
        break;
    }
    const startedMs = performance.now();
    const timeoutMs = protocol.kind === "detect"
      ? protocol.timeoutMs
      : options.detectTimeoutMs;
    detectEitherSide(
      channel,
      {
        timeoutMs,
        habits: port.habits,
        open: () => openApp(connection, connection.address),
        early,
      },
      (finding, detection) => {
        recorder.detected(
          detection,
          performance.now() - startedMs,
          meta,
          port.number,
        );
        if (finding.kind === "gone") {
          return drop(connection.socket, connection.address, null);
        }
        if (finding.kind === "http") {
          return serve(connection, finding.protocol, finding.early);
        }
        if (protocol.kind === "http1") {
          return serve(connection, "http1", finding.early);
        }
        tunnel(connection, finding.early);
      },
    );
  }

  function carry(
    connection: Connection,
    session: TransportHeader["session"],
  ): void {
    if (session === null) tunnel(connection, null);
    else if (session !== "detect") serve(connection, session, null);
    // The client has been silent towards its own proxy: it is the application's turn.
    else plain(connection, openApp(connection, connection.address));
  }

  function pass(
    connection: Connection,
    { clientId, header }: DirectConnection,
  ): void {
    const { gateway, name: own, inFlight } = options;
    const { socket, address } = connection;
    if (gateway === undefined) return drop(socket, address, NO_GATEWAY);
    const passage = createPassage(gateway, header, {
      own,
      clientId,
      client: socket.remote,
      inFlight,
      failed: (problem) => recorder.httpError(problem, counted(connection)),
    });
    socket.whenClosed(passage.release);
    const { session } = header;
    if (session === "http1" || session === "http2") {
      serve(connection, session, null, passage.forward);
    } else tunnel(connection, null, passage.open);
  }

  function serve(
    connection: Connection,
    protocol: "http1" | "http2",
    early: Promise<Channel> | null,
    /** What becomes of a request that policy permits. */
    send: typeof toApplication = toApplication,
  ): void {
    const { socket, channel, address, port, caller, tls } = connection;
    const { taps } = options;
    const requests = createRequests({
      app: options.apps.take(address, caller),
      port,
      caller,
      connection: { target: address, tls },
      recorder,
      authorities: options.authorities,
      profiles: options.profiles,
      inFlight: options.inFlight,
      early: createEarly(early),
      sight: taps === undefined
        ? undefined
        : { taps, direction: "inbound", source: socket.remote, tls },
      audited: (head, route) => denials.audited(connection, head, route),
      revoked: () => socket.destroy(),
    });
    const asker = { address: socket.remote, id: caller.tls?.id ?? null };
    const judged = (unlogged: Parameters<typeof toApplication>[0]) => {
      const exchange = options.accessLog?.follow(unlogged, asker) ?? unlogged;
      const next = requests.next(exchange.head);
      if (!("kind" in next)) return send(exchange, next);
      denials.request(connection, exchange.head, next);
      answerRefusal(exchange, next, isNamed(caller));
    };
    const respond = traceRequests(options.tracing, "inbound", judged);
    const served = protocol === "http1"
      ? serveHttp1(channel, options.http1, respond)
      : serveHttp2(
        channel,
        isNamed(caller) ? meshHttp2 : options.http2,
        respond,
      );
    drain.decide(socket, served);
    socket.whenClosed(requests.release);
  }

  function tunnel(
    connection: Connection,
    early: Promise<Channel> | null,
    openServer = () => options.apps.open(connection.address),
  ): void {
    const { socket, channel, address, port, caller } = connection;
    drain.decide(socket, WAITED_FOR);
    const first = createEarly(early);
    socket.whenClosed(first.release);
    if (!permitted(connection)) {
      denials.connection(connection);
      return socket.destroy();
    }
    socket.whenClosed(port.subscribe(() => {
      if (authorizeBytes(port.policy, caller).kind === "permit") return;
      recorder.terminated(counted(connection));
      socket.destroy();
    }));
    channel.pause();
    (first.take() ?? openServer()).then(
      (server) => {
        if (channel.closed) return server.destroy();
        relay(channel, server, () => {});
        channel.resume();
      },
      (error: unknown) =>
        drop(
          socket,
          address,
          error instanceof Problem
            ? error
            : new Problem("connect.failed", describe(error)),
        ),
    );
  }

  /** Decides on bytes that are not parsed, and counts the decision. */
  function permitted(connection: Connection): boolean {
    const { port, caller } = connection;
    const decision = authorizeBytes(port.policy, caller);
    recorder.tcpDecided(
      counted(connection),
      decision.kind === "permit" ? decision.by : null,
    );
    if (decision.kind === "denial") return false;
    if (isAudit(decision.by)) denials.audited(connection, null, null);
    return true;
  }
}
