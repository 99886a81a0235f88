import { formatAddress, type SocketAddress } from "../schemas/address.ts";
import { describe, Problem } from "../schemas/problem.ts";
import { isLoopback } from "./admin/loopback.ts";
import { authorizeBytes, isNamed } from "./authorize.ts";
import type { Channel } from "./channel.ts";
import { detectEitherSide, detectTlsEitherSide } from "./detect/either-side.ts";
import { WAITED_FOR } from "./drain.ts";
import { createPassage } from "./gateway/passage.ts";
import { createEarly } from "./http/early.ts";
import { serveHttp1 } from "./http1/server.ts";
import { withProxies } from "./http2/options.ts";
import { serveHttp2 } from "./http2/server.ts";
import { type Connection, counted } from "./inbound/connection.ts";
import { acceptDirect, type DirectConnection } from "./inbound/direct.ts";
import { createDenials } from "./inbound/denials.ts";
import type { InboundOptions } from "./inbound/options.ts";
import { forwardBy } from "./inbound/profiles.ts";
import { answerRefusal } from "./inbound/refusal.ts";
import { createRequests, isAudit } from "./inbound/requests.ts";
import type { TlsStatus } from "./record/labels.ts";
import { relay } from "./relay.ts";
import {
  type Listener,
  listenTcp,
  meter,
  type SocketChannel,
} from "./socket.ts";
import { traceRequests } from "./trace/trace-requests.ts";
import type { TransportHeader } from "./wire/transport-header.ts";

/** Log lines of one kind per second: any client can cause them. */
const LINES_PER_SECOND = 5;

const NO_CERTIFICATE = new Problem(
  "identity.unavailable",
  "this proxy has no certificate yet",
);
const LOOP = new Problem(
  "forbidden",
  "inbound connection must not target the proxy's own port",
);
const NO_GATEWAY = new Problem("forbidden", "this proxy is not a gateway");
const DENIED = new Problem("forbidden", "unauthorized connection");

const PORT_SKIPPED: TlsStatus = { kind: "none", reason: "port_skipped" };

/** Carries what comes to the pod's applications: accept > terminate > detect > authorize > forward. */
export function startInbound(options: InboundOptions): Listener {
  const { recorder, drain } = options;
  const meshHttp2 = withProxies(options.http2);
  const denials = createDenials(options.log);
  const refusals = options.log.limited(LINES_PER_SECOND);
  const toApplication = forwardBy(options.profiles);
  return listenTcp(options.listen, options.accept, accept);

  function accept(socket: SocketChannel): void {
    const address = socket.dialled();
    socket.whenClosed(drain.hold(socket));
    if (options.ownIps.size > 0 && !options.ownIps.has(address.ip)) {
      const problem = new Problem(
        "forbidden",
        `inbound connections are not allowed on this IP address (${address.ip})`,
      );
      const isOwnPort = address.port === socket.local.port;
      return isOwnPort && isLoopback(address.ip)
        ? show(socket, address, problem)
        : drop(socket, address, problem);
    }
    const isDirect = address.port === socket.local.port &&
      options.ownPort === undefined;
    if (isDirect) direct(socket, address);
    else redirected(socket, address);
  }

  /** A port-forward ends on loopback (`linkerd identity`): it is shown our certificate, and nothing more. */
  function show(
    socket: SocketChannel,
    address: SocketAddress,
    problem: Problem,
  ): void {
    const credentials = options.credentials();
    if (credentials === null) return drop(socket, address, NO_CERTIFICATE);
    acceptDirect(socket, credentials, options.detectTimeoutMs, (outcome) => {
      drop(socket, address, outcome instanceof Problem ? outcome : problem);
    });
  }

  /** From another proxy: mutual TLS, then a header that says which port and protocol is meant. */
  function direct(socket: SocketChannel, address: SocketAddress): void {
    const credentials = options.credentials();
    if (credentials === null) return drop(socket, address, NO_CERTIFICATE);
    acceptDirect(socket, credentials, options.detectTimeoutMs, (outcome) => {
      if (outcome instanceof Problem) return drop(socket, address, outcome);
      const { clientId, header } = outcome;
      recorder.transportHeader(header, clientId);
      if (header.name !== "") {
        return pass(open(socket, socket, address, { id: clientId }), outcome);
      }
      const target = { ip: address.ip, port: header.port };
      if (header.port === socket.local.port) return drop(socket, target, LOOP);
      carry(open(socket, socket, target, { id: clientId }), header.session);
    });
  }

  /** From anybody to an application's port: their TLS, ours, or none. */
  function redirected(socket: SocketChannel, address: SocketAddress): void {
    const port = options.ports.take(address.port);
    socket.whenClosed(port.release);
    if (port.policy.protocol.kind === "opaque") {
      // Opaque by declaration: not even TLS is looked for; whatever it is, it passes as it is.
      return tunnel(
        open(socket, socket, address, null, PORT_SKIPPED),
        null,
      );
    }
    const unknown = { port, caller: { ip: socket.remote.ip, tls: null } };
    detectTlsEitherSide(socket, {
      timeoutMs: options.detectTimeoutMs,
      habits: port.habits,
      open: () => openApp(unknown, address),
    }, (found) => {
      switch (found.kind) {
        case "gone":
          return drop(socket, address, null);
        case "timeout":
          recorder.tcpError("tls detection timeout", address);
          return drop(socket, address, null);
        case "none":
        case "server":
          return plain(open(socket, socket, address, null), found.early);
        case "hello":
          return found.sni === options.name
            ? void secured(socket, address, found.early)
            : plain(
              open(socket, socket, address, null, recorder.passedOn(found.sni)),
              found.early,
            );
      }
    });
  }

  async function secured(
    socket: SocketChannel,
    address: SocketAddress,
    early: Promise<Channel> | null,
  ): Promise<void> {
    const first = createEarly(early);
    socket.whenClosed(first.release);
    const credentials = options.credentials();
    if (credentials === null) return drop(socket, address, NO_CERTIFICATE);
    // Few pods are reached so, and Node's streams and TLS take half a megabyte: not before the first connection.
    const { terminateSniffed } = await import("./inbound/sniffed-tls.ts");
    terminateSniffed(
      socket,
      credentials,
      options.detectTimeoutMs,
      (outcome) => {
        if (outcome instanceof Problem) return drop(socket, address, outcome);
        const peer = { id: outcome.peer.id };
        plain(open(socket, outcome.channel, address, peer), first.take());
      },
    );
  }

  /** Decrypted bytes of unknown protocol: policy names it, or detection finds it. */
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

  /** Through this proxy to what its client names: judged as calls of this very port, and carried by the outbound side. */
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

  /** A direct connection has said what it carries. */
  function carry(
    connection: Connection,
    session: TransportHeader["session"],
  ): void {
    if (session === null) tunnel(connection, null);
    else if (session !== "detect") serve(connection, session, null);
    // The client has been silent towards its own proxy: it is the application's turn.
    else plain(connection, openApp(connection, connection.address));
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

  /** Forwards bytes as long as policy permits. */
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

  function open(
    socket: SocketChannel,
    channel: Channel,
    address: SocketAddress,
    peer: { readonly id: string | null } | null,
    status?: TlsStatus,
  ): Connection {
    const port = options.ports.take(address.port);
    socket.whenClosed(port.release);
    const tls = status ??
      (peer === null
        ? { kind: "none", reason: "no_tls_from_remote" } as const
        : { kind: "accepted", clientId: peer.id } as const);
    const connection = {
      socket,
      channel,
      address,
      port,
      caller: { ip: socket.remote.ip, tls: peer },
      tls,
    };
    meter(socket, recorder.source(counted(connection)));
    return connection;
  }

  /** Opens a connection to the application before it is known what the client will say, if any bytes may pass. */
  function openApp(
    { port, caller }: Pick<Connection, "port" | "caller">,
    address: SocketAddress,
  ): Promise<Channel> {
    return authorizeBytes(port.policy, caller).kind === "permit"
      ? options.apps.open(address)
      : Promise.reject(DENIED);
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

  function drop(
    socket: SocketChannel,
    address: SocketAddress,
    problem: Problem | null,
  ): void {
    socket.destroy();
    if (problem === null) return;
    recorder.tcpError(problem, address);
    refusals(problem.code, "Connection closed", {
      target: formatAddress(address),
      client: socket.remote.ip,
      error: problem.message,
    });
  }
}
