import { connect } from "node:tls";
import { describe, Problem } from "../../schemas/problem.ts";

/** How long a proxy may take to show its certificate: it is a port-forward away. */
const HANDSHAKE_MS = 10_000;

/**
 * The certificate, in DER, that a proxy shows at an `http:` URL of a forwarded port. It is not verified: what is wrong
 * with it is what people want to see. No protocol is offered by ALPN, so that none can be refused. Throws
 * `connect.failed` when there is no TLS there.
 */
export function readPeerCertificate(
  url: string,
  serverName: string,
): Promise<Uint8Array> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: hostname,
      port: Number(port),
      servername: serverName,
      rejectUnauthorized: false,
    });
    const fail = (cause: unknown) => {
      socket.destroy();
      reject(
        new Problem(
          "connect.failed",
          `no TLS handshake with ${serverName}: ${describe(cause)}`,
          { cause },
        ),
      );
    };
    socket.setTimeout(
      HANDSHAKE_MS,
      () => fail(new Error(`no answer within ${HANDSHAKE_MS} ms`)),
    );
    socket.on("error", fail);
    socket.on("close", () => fail(new Error("the connection was closed")));
    socket.on("secureConnect", () => {
      const { raw } = socket.getPeerCertificate();
      if (raw === undefined) return fail(new Error("no certificate was shown"));
      resolve(new Uint8Array(raw));
      socket.end();
    });
  });
}
