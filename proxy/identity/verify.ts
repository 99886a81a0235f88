import { createPrivateKey, X509Certificate } from "node:crypto";
import { describe, Problem } from "../../schemas/problem.ts";
import type { Credentials } from "../tls.ts";
import type { IssuedChain } from "../wire/identity.ts";
import { formatPem, splitPem } from "./pem.ts";
import { subjectNames } from "./subject-names.ts";

/** Longest chain followed from a leaf to an anchor. */
const MAX_CHAIN = 8;

/** What a new certificate must fit. */
export interface Expected {
  readonly name: string;
  /** PKCS#8, DER. */
  readonly key: Uint8Array;
  /** PEM bundle. */
  readonly anchors: string;
  readonly nowMs: number;
}

/**
 * Credentials of an issued chain, after making sure that peers will accept them: within its time, for our name and our
 * key, and signed by an anchor that we trust ourselves. Throws `identity.refused`.
 */
export function acceptChain(
  issued: IssuedChain,
  expected: Expected,
): Credentials {
  const { name, key, anchors, nowMs } = expected;
  try {
    const leaf = new X509Certificate(issued.leaf);
    const intermediates = issued.intermediates.map((der) =>
      new X509Certificate(der)
    );
    const expiresAtMs = Math.min(
      issued.validUntilMs,
      leaf.validToDate.getTime(),
    );
    // Also false for a missing time, which is NaN.
    if (!(expiresAtMs > nowMs)) refuse("it has expired already");
    if (!subjectNames(issued.leaf).dns.includes(name)) {
      refuse(`it is for ${leaf.subjectAltName ?? "nobody"}, not for "${name}"`);
    }
    const privateKey = createPrivateKey({
      key: Buffer.from(key),
      format: "der",
      type: "pkcs8",
    });
    if (!leaf.checkPrivateKey(privateKey)) refuse("it is for another key");
    const roots = splitPem(anchors).map((pem) => new X509Certificate(pem));
    if (!leadsToAnchor(leaf, intermediates, roots, nowMs)) {
      refuse("no trust anchor of ours signed it");
    }
    return {
      key: formatPem("PRIVATE KEY", key),
      chain: [issued.leaf, ...issued.intermediates].map((der) =>
        formatPem("CERTIFICATE", der)
      ).join(""),
      anchors,
      name,
      expiresAtMs,
    };
  } catch (cause) {
    throw new Problem(
      "identity.refused",
      `Cannot use the certificate issued: ${describe(cause)}`,
      { cause, hint: "compare the trust anchors with `linkerd check`" },
    );
  }
}

/** Whether a chain in PEM, leaf first, leads to one of the anchors: what peers with these anchors will ask of it. */
export function isVouchedFor(
  chain: string,
  anchors: string,
  nowMs: number,
): boolean {
  const [leaf, ...intermediates] = splitPem(chain).map((pem) =>
    new X509Certificate(pem)
  );
  const roots = splitPem(anchors).map((pem) => new X509Certificate(pem));
  return leaf !== undefined &&
    leadsToAnchor(leaf, intermediates, roots, nowMs);
}

function refuse(reason: string): never {
  throw new Error(reason);
}

function leadsToAnchor(
  leaf: X509Certificate,
  intermediates: readonly X509Certificate[],
  anchors: readonly X509Certificate[],
  nowMs: number,
): boolean {
  const issuerOf = (
    subject: X509Certificate,
    among: readonly X509Certificate[],
  ): X509Certificate | undefined =>
    among.find((issuer) =>
      issuer.ca && isCurrent(issuer, nowMs) && subject.checkIssued(issuer) &&
      subject.verify(issuer.publicKey)
    );
  let subject: X509Certificate | undefined = leaf;
  for (let depth = 0; depth < MAX_CHAIN && subject !== undefined; depth++) {
    if (issuerOf(subject, anchors) !== undefined) return true;
    subject = issuerOf(subject, intermediates);
  }
  return false;
}

function isCurrent(certificate: X509Certificate, nowMs: number): boolean {
  return certificate.validFromDate.getTime() <= nowMs &&
    nowMs < certificate.validToDate.getTime();
}
