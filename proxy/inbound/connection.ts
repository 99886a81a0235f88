import { formatAddress, type SocketAddress } from "../../schemas/address.ts";
import { Problem } from "../../schemas/problem.ts";
import { authorizeBytes, type Caller } from "../authorize.ts";
import type { Channel } from "../channel.ts";
import type { TlsStatus } from "../record/labels.ts";
import { meter, type SocketChannel } from "../socket.ts";
import type { InboundOptions } from "./options.ts";
import type { Port } from "./ports.ts";
import type { Counted } from "./recorder.ts";

/** Log lines of one kind per second: any client can cause them. */
const LINES_PER_SECOND = 5;

const DENIED = new Problem("forbidden", "unauthorized connection");

/** A connection on its way to an application. */
export interface Connection {
  /** The socket that was accepted. */
  readonly socket: SocketChannel;
  /** What the client says, decrypted. */
  readonly channel: Channel;
  readonly address: SocketAddress;
  readonly port: Port;
  readonly caller: Caller;
  readonly tls: TlsStatus;
}

/** A connection as metrics tell of it, under the policy of this moment. */
export function counted({ address, tls, port }: Connection): Counted {
  return { target: address, tls, server: port.policy.meta };
}

/** How connections begin, and how they end before anything was carried. */
export interface Connections {
  /** Counts it from now on; `peer` is null when there is no mutual TLS, `tls` says why when it is not for want of it. */
  open(
    socket: SocketChannel,
    channel: Channel,
    address: SocketAddress,
    peer: Caller["tls"],
    tls?: TlsStatus,
  ): Connection;
  /** Opens a connection to the application before it is known what the client will say, if any bytes may pass. */
  openApp(
    of: Pick<Connection, "port" | "caller">,
    address: SocketAddress,
  ): Promise<Channel>;
  /** Ends one for a problem, or as nobody needs it any more. */
  drop(
    socket: SocketChannel,
    address: SocketAddress,
    problem: Problem | null,
  ): void;
}

export function createConnections(options: InboundOptions): Connections {
  const { recorder } = options;
  const refusals = options.log.limited(LINES_PER_SECOND);

  return { open, openApp, drop };

  function open(
    socket: SocketChannel,
    channel: Channel,
    address: SocketAddress,
    peer: Caller["tls"],
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

  function openApp(
    { port, caller }: Pick<Connection, "port" | "caller">,
    address: SocketAddress,
  ): Promise<Channel> {
    return authorizeBytes(port.policy, caller).kind === "permit"
      ? options.apps.open(address)
      : Promise.reject(DENIED);
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
