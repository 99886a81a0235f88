import { objectId } from "../../schemas/der.ts";

/** Signature algorithms people meet, by object identifier (RFC 3279, 4055, 5758). */
const ALGORITHMS: readonly (readonly [dotted: string, name: string])[] = [
  ["1.2.840.10045.4.3.2", "ECDSA-SHA256"],
  ["1.2.840.10045.4.3.3", "ECDSA-SHA384"],
  ["1.2.840.10045.4.3.4", "ECDSA-SHA512"],
  ["1.2.840.10045.4.1", "ECDSA-SHA1"],
  ["1.2.840.113549.1.1.11", "SHA256-RSA"],
  ["1.2.840.113549.1.1.12", "SHA384-RSA"],
  ["1.2.840.113549.1.1.13", "SHA512-RSA"],
  ["1.2.840.113549.1.1.5", "SHA1-RSA"],
];

/** What a certificate was signed with: the second member of its outer sequence (RFC 5280 4.1). */
export function signatureOf(der: Uint8Array): string {
  const certificate = contents(der, 0);
  const toBeSigned = contents(der, certificate.from);
  const algorithm = contents(der, toBeSigned.to);
  const id = contents(der, algorithm.from);
  const bytes = der.subarray(algorithm.from, id.to);
  const known = ALGORITHMS.find(([dotted]) => {
    const wanted = objectId(dotted);
    return wanted.length === bytes.length &&
      wanted.every((byte, at) => byte === bytes[at]);
  });
  return known?.[1] ?? "an unknown algorithm";
}

/** Where the contents of a DER element begin and end. */
function contents(
  der: Uint8Array,
  at: number,
): { readonly from: number; readonly to: number } {
  const short = der[at + 1] ?? 0;
  if (short < 0x80) return { from: at + 2, to: at + 2 + short };
  const width = short & 0x7f;
  let length = 0;
  for (let i = 0; i < width; i++) {
    length = length * 256 + (der[at + 2 + i] ?? 0);
  }
  return { from: at + 2 + width, to: at + 2 + width + length };
}
