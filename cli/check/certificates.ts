import { Buffer } from "node:buffer";
import { describeKey, instant } from "../certificates/check.ts";
import type { Certificate } from "../certificates/read.ts";
import { signatureOf } from "../certificates/signature.ts";

/** How long before its end a certificate is warned of (Linkerd's threshold). */
const SOON_MS = 60 * 24 * 3_600_000;

/** Why a certificate is not valid at a time; undefined when it is. */
export function whyInvalid(
  { notBeforeMs, notAfterMs }: Certificate,
  nowMs: number,
): string | undefined {
  if (nowMs > notAfterMs) {
    return `not valid anymore. Expired on ${instant(notAfterMs)}`;
  }
  if (nowMs < notBeforeMs) {
    return `not valid before: ${instant(notBeforeMs)}`;
  }
  return undefined;
}

/** When a certificate will end, if that is soon; undefined when it is not. */
export function whyRenew(
  { notAfterMs }: Certificate,
  nowMs: number,
): string | undefined {
  return nowMs + SOON_MS > notAfterMs
    ? `will expire on ${instant(notAfterMs)}`
    : undefined;
}

/** Why proxies could not verify an anchor: they know ECDSA P-256 and RSA of 2048 or 4096 bits, with SHA-256. */
export function whyWeakAnchor(anchor: Certificate): string | undefined {
  const key = describeKey(anchor.key);
  if (key === "P-256") return whySignature(anchor, BOTH);
  if (key === "RSA-2048" || key === "RSA-4096") {
    return whySignature(anchor, BOTH.slice(1));
  }
  return anchor.key.asymmetricKeyType === "rsa"
    ? `must have an RSA key of 2048 or 4096 bits, instead ${key} was used`
    : whyWeakIssuer(anchor);
}

/** Why a certificate cannot be an issuer: its key must be ECDSA P-256. */
export function whyWeakIssuer(issuer: Certificate): string | undefined {
  const key = describeKey(issuer.key);
  return key === "P-256"
    ? whySignature(issuer, BOTH)
    : `must use P-256 curve for public key, instead ${key} was used`;
}

const BOTH = ["ECDSA-SHA256", "SHA256-RSA"] as const;

function whySignature(
  { x509 }: Certificate,
  allowed: readonly string[],
): string | undefined {
  const found = signatureOf(x509.raw);
  return allowed.includes(found)
    ? undefined
    : `must be signed with ${allowed.join(" or ")}, instead ${found} was used`;
}

/** Each certificate that something is wrong with, by serial number and common name. */
export function faults(
  certificates: readonly Certificate[],
  why: (certificate: Certificate) => string | undefined,
): string[] {
  return certificates.flatMap((certificate) => {
    const reason = why(certificate);
    if (reason === undefined) return [];
    const { serialNumber, subject } = certificate.x509;
    const name = /^CN=(.*)$/m.exec(subject)?.[1] ?? subject;
    return [`${BigInt(`0x${serialNumber}`)} ${name} ${reason}`];
  });
}

/** A key of a Secret's data, as text. */
export function fromBase64(text: string): string {
  return Buffer.from(text, "base64").toString();
}
