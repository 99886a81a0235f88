import { constants } from "node:crypto";
import { TRANSPORT_PROTOCOL } from "../schemas/names.ts";

/** A proxy's certificate and the anchors it trusts; a new value for every renewal. */
export interface Credentials {
  /** PEM of the private key. */
  readonly key: string;
  /** PEM of the leaf and its intermediates, leaf first. */
  readonly chain: string;
  /** PEM bundle of trust anchors. */
  readonly anchors: string;
  /** Our own identity, which is also the SNI that peers ask for. */
  readonly name: string;
  /** End of the leaf's validity, ms since the epoch. */
  readonly expiresAtMs: number;
}

/** TLS 1.3 only: Bun accepts 1.2 unless told otherwise. */
export const TLS13_ONLY: number = constants.SSL_OP_NO_SSLv3 |
  constants.SSL_OP_NO_TLSv1 |
  constants.SSL_OP_NO_TLSv1_1 | constants.SSL_OP_NO_TLSv1_2;

/** The transport header's ALPN offer in wire format; Bun negotiates nothing when given a plain string. */
export const TRANSPORT_ALPN: Uint8Array = Buffer.concat([
  Buffer.from([TRANSPORT_PROTOCOL.length]),
  Buffer.from(TRANSPORT_PROTOCOL),
]);

/** The parts of Bun's TLS socket that its type declarations leave out. */
export interface TlsSocket {
  readonly alpnProtocol: string | false | null;
  readonly authorized: boolean;
  getPeerCertificate(): { readonly raw?: Uint8Array } | null | undefined;
}
