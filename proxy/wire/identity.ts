import { readMoment } from "./common.ts";
import { decode } from "./reader.ts";
import { Writer } from "./writer.ts";

/** A certificate chain as issued, DER, leaf first. */
export interface IssuedChain {
  readonly leaf: Uint8Array;
  readonly intermediates: readonly Uint8Array[];
  /** Unix milliseconds; NaN when the answer did not say. */
  readonly validUntilMs: number;
}

/** `identity.CertifyRequest`: a name, the token that proves it, and the request in DER. */
export function encodeCertifyRequest(
  identity: string,
  token: Uint8Array,
  csr: Uint8Array,
): Uint8Array<ArrayBuffer> {
  return new Writer().string(1, identity).blob(2, token).blob(3, csr).finish();
}

/** An `identity.CertifyResponse`; nothing is verified here. */
export function decodeCertifyResponse(bytes: Uint8Array): IssuedChain {
  return decode(bytes, (reader) => {
    let leaf: Uint8Array = new Uint8Array(0);
    const intermediates: Uint8Array[] = [];
    let validUntilMs = Number.NaN;
    while (reader.next()) {
      if (reader.field === 1) leaf = reader.blob();
      else if (reader.field === 2) intermediates.push(reader.blob());
      else if (reader.field === 3) validUntilMs = reader.message(readMoment);
      else reader.skip();
    }
    return { leaf, intermediates, validUntilMs };
  });
}
