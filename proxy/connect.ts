import { formatAddress, type SocketAddress } from "../schemas/address.ts";
import type { TlsIdentity } from "../schemas/destination.ts";
import { TRANSPORT_PROTOCOL } from "../schemas/names.ts";
import { describe, Problem } from "../schemas/problem.ts";
import { subjectNames } from "./identity/subject-names.ts";
import { addressOf } from "./socket-address.ts";
import { applyTcpOptions, type TcpOptions } from "./socket-options.ts";
import { type BunSocket, CHANNEL_HANDLERS, SocketChannel } from "./socket.ts";
import {
  type Credentials,
  TLS13_ONLY,
  type TlsSocket,
  TRANSPORT_ALPN,
} from "./tls.ts";

/** How to secure a connection we open. */
export interface ClientTls {
  /** Without a leaf of our own yet (before the first certification) only the peer is authenticated. */
  readonly credentials: Credentials | { readonly anchors: string };
  readonly peer: TlsIdentity;
  /** Offer the transport header; the connection fails when the peer does not take it. */
  readonly transportHeader: boolean;
}

export interface DialOptions {
  /** Covers TCP and TLS together. */
  readonly timeoutMs: number;
  readonly tcp: TcpOptions;
  readonly tls: ClientTls | null;
}

/** Opens a connection; rejects with `connect.failed`, `connect.timeout` or `tls.refused`. */
export function dial(
  address: SocketAddress,
  options: DialOptions,
): Promise<SocketChannel> {
  const where = formatAddress(address);
  return new Promise((resolve, reject) => {
    let channel: SocketChannel | null = null;
    const startedMs = performance.now();
    const expire = () =>
      fail(
        new Problem(
          "connect.timeout",
          `Cannot connect to ${where}: timed out after ${options.timeoutMs} ms`,
        ),
      );
    let timer = setTimeout(() => {
      // When the process had no CPU, the answer may have come in time and be waiting behind this timer: as long as it is
      // late, it waits once more, and what came is looked at first.
      const lateMs = performance.now() - startedMs - options.timeoutMs;
      timer = setTimeout(expire, Math.max(1, lateMs));
    }, options.timeoutMs);
    let settled = false;
    const fail = (problem: Problem) => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      channel?.destroy();
      reject(problem);
    };
    const succeed = (opened: SocketChannel) => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      resolve(opened);
    };
    const refused = (error: unknown) =>
      fail(
        new Problem(
          "connect.failed",
          `Cannot connect to ${where}: ${describe(error)}`,
          { cause: error },
        ),
      );

    Bun.connect<SocketChannel>({
      hostname: address.ip,
      port: address.port,
      allowHalfOpen: true,
      ...(options.tls === null ? {} : { tls: tlsOptions(options.tls) }),
      socket: {
        ...CHANNEL_HANDLERS,
        open(socket) {
          applyTcpOptions(socket, options.tcp);
          channel = new SocketChannel(
            socket as BunSocket,
            address,
            addressOf(socket as BunSocket, "local"),
          );
          socket.data = channel;
          if (settled) channel.destroy();
          else if (options.tls === null) succeed(channel);
        },
        handshake(socket, _success, error) {
          if (options.tls === null || channel === null) return;
          const refusal = refusePeer(
            socket as unknown as TlsSocket,
            error,
            options.tls,
          );
          if (refusal === null) succeed(channel);
          else {fail(
              new Problem("tls.refused", `Cannot trust ${where}: ${refusal}`),
            );}
        },
        close(socket, error) {
          refused(error ?? "the peer closed the connection");
          if (channel !== null) {
            CHANNEL_HANDLERS.close(socket as BunSocket, error);
          }
        },
        error(socket, error) {
          refused(error);
          if (channel !== null) {
            CHANNEL_HANDLERS.error(socket as BunSocket, error);
          }
        },
        connectError(_socket, error) {
          refused(error);
        },
      },
    }).catch(refused);
  });
}

function tlsOptions(
  { credentials, peer, transportHeader }: ClientTls,
): Bun.TLSOptions {
  return {
    ca: credentials.anchors,
    ...("chain" in credentials
      ? { key: credentials.key, cert: credentials.chain }
      : {}),
    serverName: peer.serverName,
    // Bun compares DNS names itself; an identity that is a URI is compared by us, after Bun has verified the chain.
    rejectUnauthorized: peer.kind === "dns",
    secureOptions: TLS13_ONLY,
    ...(transportHeader ? { ALPNProtocols: TRANSPORT_ALPN } : {}),
  } as Bun.TLSOptions;
}

/** Bun's code for a certificate whose chain verifies but whose names do not include the server name. */
const NAME_MISMATCH = "ERR_TLS_CERT_ALTNAME_INVALID";

/** Why the peer cannot be trusted; null when it can. */
function refusePeer(
  socket: TlsSocket,
  error: (Error & { code?: string }) | null | undefined,
  { peer, transportHeader }: ClientTls,
): string | null {
  const chainVerified = socket.authorized || error?.code === NAME_MISMATCH;
  if (!chainVerified) {
    return `its certificate does not verify: ${
      error?.message ?? "not authorized"
    }`;
  }
  const leaf = socket.getPeerCertificate()?.raw;
  if (leaf === undefined) return "it presented no certificate";
  const names = subjectNames(leaf);
  const held = peer.kind === "uri" ? names.uri : names.dns;
  if (!held.includes(peer.id)) {
    return `certificate does not match TLS identity: expected "${peer.id}", found ${
      JSON.stringify([...names.dns, ...names.uri])
    }`;
  }
  if (transportHeader && socket.alpnProtocol !== TRANSPORT_PROTOCOL) {
    return `it does not speak ${TRANSPORT_PROTOCOL}`;
  }
  return null;
}
