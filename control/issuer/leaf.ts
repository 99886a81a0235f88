import "reflect-metadata"; // @peculiar/x509 does not load without it
import {
  AuthorityKeyIdentifierExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";
import type { LoadedIssuer } from "./load.ts";
import type { LeafRequest } from "./request.ts";

/** How long a leaf lasts; `skewMs` is granted on both sides for clocks that differ. */
export interface Lifetime {
  readonly lifetimeMs: number;
  readonly skewMs: number;
}

export interface Leaf {
  readonly der: Uint8Array<ArrayBuffer>;
  /** Hex of the 128-bit random serial. */
  readonly serial: string;
  readonly notAfterMs: number;
}

const KEY_USAGES = new KeyUsagesExtension(
  KeyUsageFlags.digitalSignature | KeyUsageFlags.keyEncipherment,
  true,
);
const EXTENDED_KEY_USAGES = new ExtendedKeyUsageExtension([
  ExtendedKeyUsage.serverAuth,
  ExtendedKeyUsage.clientAuth,
]);

/**
 * A leaf for a checked request, valid from `now - skew` to `now + lifetime + skew` (milliseconds, cut to the seconds a
 * certificate can hold), but never past any certificate above it.
 */
export async function issueLeaf(
  issuer: LoadedIssuer,
  request: LeafRequest,
  lifetime: Lifetime,
  now: number,
): Promise<Leaf> {
  const wanted = now + lifetime.lifetimeMs + lifetime.skewMs;
  const certificate = await X509CertificateGenerator.create({
    subject: request.subject,
    issuer: issuer.certificate.subjectName,
    notBefore: wholeSecond(now - lifetime.skewMs),
    notAfter: wholeSecond(Math.min(wanted, issuer.notAfterMs)),
    publicKey: request.publicKey,
    signingKey: issuer.key,
    signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
    extensions: extensionsOf(issuer, request),
  });
  return {
    der: new Uint8Array(certificate.rawData),
    serial: certificate.serialNumber,
    notAfterMs: certificate.notAfter.getTime(),
  };
}

function extensionsOf(issuer: LoadedIssuer, request: LeafRequest): Extension[] {
  // A certificate without a subject must mark its alternative name critical (RFC 5280 4.1.2.6).
  const nameless = request.subject.toString() === "";
  const name = new SubjectAlternativeNameExtension(
    [{ type: "dns", value: request.identity }],
    nameless,
  );
  const keyId = issuer.certificate.getExtension(SubjectKeyIdentifierExtension);
  const extensions: Extension[] = [KEY_USAGES, EXTENDED_KEY_USAGES, name];
  if (keyId !== null) {
    extensions.push(new AuthorityKeyIdentifierExtension(keyId.keyId));
  }
  return extensions;
}

function wholeSecond(ms: number): Date {
  return new Date(Math.floor(ms / 1_000) * 1_000);
}
