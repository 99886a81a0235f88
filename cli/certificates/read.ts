import { Buffer } from "node:buffer";
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { Problem } from "../../schemas/problem.ts";

/** One certificate of a bundle. */
export interface Certificate {
  readonly x509: X509Certificate;
  /** For messages. */
  readonly name: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly key: KeyObject;
}

/** Certificates of a PEM text, at least one; throws `config.invalid`, naming `what` it was to be. */
export function readBundle(
  pem: string,
  what: string,
): [Certificate, ...Certificate[]] {
  const blocks = pem.match(
    /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g,
  ) ?? [];
  const [first, ...rest] = blocks.map((block) => readCertificate(block, what));
  if (first !== undefined) return [first, ...rest];
  throw new Problem(
    "config.invalid",
    `Cannot read ${what}: no certificate in it, expected PEM`,
    { hint: "PEM begins with -----BEGIN CERTIFICATE-----" },
  );
}

/** The PEM of certificates, one form for all: what stands between and around them is dropped. */
export function formatBundle(certificates: readonly Certificate[]): string {
  return certificates.map(({ x509 }) => {
    const lines = Buffer.from(x509.raw).toString("base64").match(/.{1,64}/g);
    return `-----BEGIN CERTIFICATE-----\n${
      (lines ?? []).join("\n")
    }\n-----END CERTIFICATE-----\n`;
  }).join("");
}

/** An unencrypted private key of a PEM text; throws `config.invalid`, and never quotes the text. */
export function readKey(pem: string, what: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    // The cause is left out: it may quote the key.
    throw new Problem(
      "config.invalid",
      `Cannot read ${what}: expected an unencrypted private key in PEM`,
      { hint: "decrypt it with: openssl pkey -in key.pem -out plain.pem" },
    );
  }
}

function readCertificate(block: string, what: string): Certificate {
  try {
    const x509 = new X509Certificate(block);
    return {
      x509,
      name: x509.subject.replaceAll("\n", ", "),
      notBeforeMs: Date.parse(x509.validFrom),
      notAfterMs: Date.parse(x509.validTo),
      key: x509.publicKey,
    };
  } catch (cause) {
    throw new Problem(
      "config.invalid",
      `Cannot read ${what}: a certificate in it is damaged`,
      { hint: "look at it with: openssl x509 -noout -text -in FILE", cause },
    );
  }
}
