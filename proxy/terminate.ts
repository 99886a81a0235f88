import { TRANSPORT_PROTOCOL } from "../schemas/names.ts";
import { describe, Problem } from "../schemas/problem.ts";
import { subjectNames } from "./identity/subject-names.ts";
import {
  type BunSocket,
  CHANNEL_HANDLERS,
  type SocketChannel,
  UNDER_TLS,
} from "./socket.ts";
import {
  type Credentials,
  TLS13_ONLY,
  type TlsSocket,
  TRANSPORT_ALPN,
} from "./tls.ts";

/** Who is at the other end of a terminated TLS connection. */
export interface TlsPeer {
  /** The first name of its certificate; null when it presented none. */
  readonly id: string | null;
  /** True when the transport header was negotiated. */
  readonly transportHeader: boolean;
}

/** Bun reports so what is in fact the absence of a client certificate. */
const NO_CERTIFICATE = "UNABLE_TO_GET_ISSUER_CERT";

/**
 * Starts TLS 1.3 as a server on a connection of which nothing has been read; must be called while it is being accepted.
 * `done` hears the peer, or why it was refused, once; the channel is destroyed after a refusal.
 */
export function terminate(
  channel: SocketChannel,
  credentials: Credentials,
  options: { readonly transportHeader: boolean; readonly timeoutMs: number },
  done: (outcome: TlsPeer | Problem) => void,
): void {
  const raw = channel.socket;
  if (raw === null) return;
  let settled = false;
  const settle = (outcome: TlsPeer | Problem) => {
    if (settled) return;
    settled = true;
    clearTimeout(timer);
    if (outcome instanceof Problem) channel.destroy();
    done(outcome);
  };
  const timer = setTimeout(
    () =>
      settle(
        new Problem(
          "tls.refused",
          `No TLS handshake within ${options.timeoutMs} ms`,
        ),
      ),
    options.timeoutMs,
  );
  const [underneath, secured] = raw.upgradeTLS<SocketChannel>({
    // The declarations know only the client's side of this.
    ...{ isServer: true },
    data: channel,
    tls: serverOptions(credentials, options.transportHeader),
    socket: {
      ...CHANNEL_HANDLERS,
      handshake(socket, _success, error) {
        settle(judge(socket as unknown as TlsSocket, error));
      },
      close(socket, error) {
        settle(
          new Problem(
            "tls.refused",
            `The peer left during the handshake: ${
              describe(error ?? "closed")
            }`,
          ),
        );
        CHANNEL_HANDLERS.close(socket, error);
      },
    },
  });
  (underneath as unknown as BunSocket).data = UNDER_TLS;
  channel.socket = secured;
}

/** Server-side TLS settings; a client certificate is asked for and judged by us. */
export function serverOptions(
  credentials: Credentials,
  transportHeader: boolean,
): Bun.TLSOptions {
  return {
    key: credentials.key,
    cert: credentials.chain,
    ca: credentials.anchors,
    requestCert: true,
    // Optional: "none presented" is fine here, "presented but bad" is refused by `judge`.
    rejectUnauthorized: false,
    secureOptions: TLS13_ONLY,
    ...(transportHeader ? { ALPNProtocols: TRANSPORT_ALPN } : {}),
  } as Bun.TLSOptions;
}

/** A peer that presented a valid certificate or none at all; a Problem otherwise. */
export function judge(
  socket: TlsSocket,
  error: (Error & { code?: string }) | null | undefined,
): TlsPeer | Problem {
  const transportHeader = socket.alpnProtocol === TRANSPORT_PROTOCOL;
  const leaf = socket.getPeerCertificate()?.raw;
  if (leaf === undefined) {
    return error === null || error === undefined ||
        error.code === NO_CERTIFICATE
      ? { id: null, transportHeader }
      : new Problem("tls.refused", `TLS handshake failed: ${error.message}`);
  }
  if (!socket.authorized || (error !== null && error !== undefined)) {
    return new Problem(
      "tls.refused",
      `Client certificate does not verify: ${
        error?.message ?? "not authorized"
      }`,
    );
  }
  const names = subjectNames(leaf);
  const id = names.dns[0] ?? names.uri[0];
  return id === undefined
    ? new Problem(
      "tls.refused",
      "Client certificate carries no DNS or URI name",
    )
    : { id, transportHeader };
}
