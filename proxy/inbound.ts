import type { SocketAddress } from "../schemas/address.ts";
import { Problem } from "../schemas/problem.ts";
import { isLoopback } from "./admin/loopback.ts";
import type { Channel } from "./channel.ts";
import { detectTlsEitherSide } from "./detect/either-side.ts";
import { createEarly } from "./http/early.ts";
import { createCarrier } from "./inbound/carry.ts";
import { createConnections } from "./inbound/connection.ts";
import { acceptDirect } from "./inbound/direct.ts";
import type { InboundOptions } from "./inbound/options.ts";
import type { TlsStatus } from "./record/labels.ts";
import { type Listener, listenTcp, type SocketChannel } from "./socket.ts";

const NO_CERTIFICATE = new Problem(
  "identity.unavailable",
  "this proxy has no certificate yet",
);
const LOOP = new Problem(
  "forbidden",
  "inbound connection must not target the proxy's own port",
);

const PORT_SKIPPED: TlsStatus = { kind: "none", reason: "port_skipped" };

/** Carries what comes to the pod's applications: accept > terminate > detect > authorize > forward. */
export function startInbound(options: InboundOptions): Listener {
  const { recorder, drain } = options;
  const connections = createConnections(options);
  const { open, openApp, drop } = connections;
  const { plain, carry, pass, tunnel } = createCarrier(options, connections);
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
}
