import type { KeyObject } from "node:crypto";
import { Problem } from "../../schemas/problem.ts";
import type { KeyPair } from "./make.ts";
import { type Certificate, formatBundle, readBundle, readKey } from "./read.ts";
import { signatureOf } from "./signature.ts";

/** Issuer and the anchors above it, in PEM. */
export interface IssuerCredentials extends KeyPair {
  readonly anchorsPEM: string;
}

/** Longest path from issuer to anchor that is searched; real ones have two to four certificates. */
const MAX_PATH = 6;

/**
 * Checks credentials at `now` (milliseconds) as the identity service will: the key is the certificate's, both are ECDSA
 * P-256, it is a CA, and it chains to an anchor through certificates that are all valid. Returns them in one form;
 * throws `config.invalid` with what is wrong and what to do.
 */
export function checkIssuer(
  { crtPEM, keyPEM, anchorsPEM }: IssuerCredentials,
  now: number,
): IssuerCredentials {
  const [issuer, ...between] = readBundle(crtPEM, "issuer certificate");
  const key = readKey(keyPEM, "issuer key");
  const anchors = readBundle(anchorsPEM, "trust anchors");
  requireP256(issuer);
  requireSignature(issuer);
  if (!issuer.x509.checkPrivateKey(key)) {
    throw refuse(
      "failed to read CA: tls: Public and private key do not match",
      `give the key of "${issuer.name}", or the certificate of that key`,
    );
  }
  requireValid(issuer, now);
  if (!issuer.x509.ca) {
    throw refuse(
      "issuer cert is not a CA",
      "issue it with basicConstraints CA:TRUE and keyUsage keyCertSign",
    );
  }
  for (const anchor of anchors) requireStrong(anchor);
  const path = findPath([issuer], between, anchors);
  if (path === undefined) {
    throw refuse(
      `no chain leads from "${issuer.name}" to a trust anchor`,
      `it was signed by "${
        issuer.x509.issuer.replaceAll("\n", ", ")
      }"; trust anchors are: ${
        anchors.map(({ name }) => `"${name}"`).join(", ")
      }`,
    );
  }
  for (const certificate of path) requireValid(certificate, now);
  return {
    crtPEM: formatBundle([issuer, ...between]),
    keyPEM: key.export({ type: "sec1", format: "pem" }).toString(),
    // Verbatim, comments and all: that is what its hash is taken of.
    anchorsPEM,
  };
}

/** Checks a bundle of trust anchors on its own, where the issuer is kept elsewhere. */
export function checkAnchors(anchorsPEM: string, now: number): void {
  for (const anchor of readBundle(anchorsPEM, "trust anchors")) {
    requireStrong(anchor);
    requireValid(anchor, now);
  }
}

/** From the last of a path up to an anchor, both included; undefined when there is none. Dates are not looked at. */
export function findPath(
  path: readonly Certificate[],
  between: readonly Certificate[],
  anchors: readonly Certificate[],
): readonly Certificate[] | undefined {
  const last = path.at(-1);
  if (last === undefined || path.length > MAX_PATH) return undefined;
  if (anchors.some((anchor) => same(anchor, last))) return path;
  for (const parent of [...anchors, ...between]) {
    if (path.some((one) => same(one, parent))) continue;
    if (!parent.x509.ca || !signed(parent, last)) continue;
    const found = findPath([...path, parent], between, anchors);
    if (found !== undefined) return found;
  }
  return undefined;
}

function same(one: Certificate, other: Certificate): boolean {
  return one.x509.fingerprint256 === other.x509.fingerprint256;
}

function signed(parent: Certificate, child: Certificate): boolean {
  if (child.x509.issuer !== parent.x509.subject) return false;
  try {
    return child.x509.verify(parent.key);
  } catch {
    return false; // an algorithm that does not fit the parent's key: not its child
  }
}

function requireValid(certificate: Certificate, now: number): void {
  const { name, notBeforeMs, notAfterMs } = certificate;
  if (now > notAfterMs) {
    throw refuse(
      `not valid anymore. Expired on ${instant(notAfterMs)}`,
      `"${name}" must be renewed`,
    );
  }
  if (now < notBeforeMs) {
    throw refuse(
      `not valid before: ${instant(notBeforeMs)}`,
      `wait for "${name}", issue it anew, or set this machine's clock`,
    );
  }
}

function requireP256({ key }: Certificate): void {
  const found = describeKey(key);
  if (found === "P-256") return;
  throw refuse(
    `must use P-256 curve for public key, instead ${found} was used`,
    "make a key with: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256",
  );
}

function requireSignature(issuer: Certificate): void {
  const found = signatureOf(issuer.x509.raw);
  if (found === "ECDSA-SHA256" || found === "SHA256-RSA") return;
  throw refuse(
    `issuer cert must be signed with ECDSA-SHA256 or SHA256-RSA, instead ${found} was used`,
    "sign it anew, with SHA-256",
  );
}

/** Keys that anchors may have: those that every proxy verifies. */
function requireStrong({ key, name }: Certificate): void {
  const found = describeKey(key);
  if (["P-256", "RSA-2048", "RSA-4096"].includes(found)) return;
  throw refuse(
    `trust anchor "${name}" has a key of ${found}, expected P-256, RSA-2048 or RSA-4096`,
    "make a new trust anchor, or leave this one out of the bundle",
  );
}

/** A key's kind and size in words, such as `P-256` or `RSA-2048`. */
export function describeKey(key: KeyObject): string {
  const { namedCurve, modulusLength } = key.asymmetricKeyDetails ?? {};
  switch (key.asymmetricKeyType) {
    case "ec":
      return CURVES[namedCurve ?? ""] ?? namedCurve ?? "an unknown curve";
    case "rsa":
      return `RSA-${modulusLength ?? "?"}`;
    default:
      return key.asymmetricKeyType ?? "an unknown kind";
  }
}

/** OpenSSL's names, and those that people say. */
const CURVES: Readonly<Record<string, string>> = {
  prime256v1: "P-256",
  "p256": "P-256",
  secp384r1: "P-384",
  "p384": "P-384",
  secp521r1: "P-521",
  "p521": "P-521",
};

/** A time as certificates have it: RFC 3339, whole seconds. */
export function instant(ms: number): string {
  return new Date(ms).toISOString().replace(".000Z", "Z");
}

function refuse(found: string, hint: string): Problem {
  return new Problem(
    "config.invalid",
    `failed to validate issuer credentials: ${found}`,
    { hint },
  );
}
