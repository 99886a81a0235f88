import "reflect-metadata"; // @peculiar/x509 does not load without it
import { createPrivateKey, type KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { PemConverter, X509Certificate } from "@peculiar/x509";
import { describe, Problem } from "../../schemas/problem.ts";
import { findPath, windowOf } from "./chain.ts";

/** Where an issuer and the anchors above it are kept, as PEM. */
export interface IssuerPaths {
  readonly certificate: string;
  readonly key: string;
  readonly anchors: string;
}

/** The text of those files. */
export interface IssuerFiles {
  readonly certificate: string;
  readonly key: string;
  readonly anchors: string;
}

/** An issuer that has been checked and can sign. */
export interface LoadedIssuer {
  readonly certificate: X509Certificate;
  /** DER of the issuer and the rest of its bundle, nearest to the leaf first, for the answer to a proxy. */
  readonly chain: readonly Uint8Array<ArrayBuffer>[];
  readonly key: CryptoKey;
  /** The trust anchors it was checked against, in PEM: certificates and nothing else. */
  readonly anchors: string;
  /** When every certificate from the issuer to its anchor, and of its bundle, is valid; milliseconds. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** File names by identity scheme: cert-manager's and Kubernetes' own, or Linkerd's. */
export function issuerPaths(
  directory: string,
  scheme: string,
  anchors: string,
): IssuerPaths {
  const [certificate, key] = scheme === "linkerd.io/tls"
    ? ["crt.pem", "key.pem"]
    : ["tls.crt", "tls.key"];
  return {
    certificate: join(directory, certificate),
    key: join(directory, key),
    anchors,
  };
}

/** Reads the three files; throws `config.invalid` naming the one that cannot be read. */
export async function readIssuer(paths: IssuerPaths): Promise<IssuerFiles> {
  const [certificate, key, anchors] = await Promise.all(
    [paths.certificate, paths.key, paths.anchors].map(readText),
  );
  return {
    certificate: certificate ?? "",
    key: key ?? "",
    anchors: anchors ?? "",
  };
}

/**
 * The issuer of three PEM texts, checked at `now` (milliseconds): its key is ECDSA P-256 and its own, it is a CA, and
 * it chains to an anchor through certificates that are all valid. Throws `config.invalid` saying which is not so.
 */
export async function parseIssuer(
  files: IssuerFiles,
  now: number,
): Promise<LoadedIssuer> {
  const [certificate, ...rest] = parseBundle(
    files.certificate,
    "issuer certificate",
  );
  const anchors = parseBundle(files.anchors, "trust anchors");
  const key = parseKey(files.key);
  if (!ownsKey(certificate, key)) {
    throw new Problem(
      "config.invalid",
      `Cannot use issuer key: it is not the key of certificate "${certificate.subject}"`,
      { hint: "write key and certificate of one issuer, in one step" },
    );
  }
  const path = await findPath(certificate, rest, anchors, now);
  const window = windowOf([...path, ...rest]);
  return {
    certificate,
    chain: [certificate, ...rest].map((one) => new Uint8Array(one.rawData)),
    key: await crypto.subtle.importKey(
      "pkcs8",
      new Uint8Array(key.export({ type: "pkcs8", format: "der" })),
      { name: "ECDSA", namedCurve: "P-256" },
      false,
      ["sign"],
    ),
    anchors: anchors.map((one) => `${one.toString("pem")}\n`).join(""),
    notBeforeMs: window.notBeforeMs,
    notAfterMs: window.notAfterMs,
  };
}

/** At least one certificate of a PEM text; throws `config.invalid`. */
export function parseBundle(
  pem: string,
  what: string,
): [X509Certificate, ...X509Certificate[]] {
  try {
    const [first, ...rest] = PemConverter.decodeWithHeaders(pem)
      .filter((block) => block.type === PemConverter.CertificateTag)
      .map((block) => new X509Certificate(block.rawData));
    if (first !== undefined) return [first, ...rest];
  } catch (cause) {
    throw new Problem(
      "config.invalid",
      `Cannot read ${what}: ${describe(cause)}, expected PEM`,
      { cause },
    );
  }
  throw new Problem(
    "config.invalid",
    `Cannot read ${what}: no certificate found, expected PEM`,
  );
}

/** `EC PRIVATE KEY` or `PRIVATE KEY` of ECDSA P-256, the one kind whose leaves every proxy accepts. */
function parseKey(pem: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    // The cause is left out: it may quote the key.
    throw new Problem(
      "config.invalid",
      "Cannot read issuer key: expected an unencrypted private key in PEM",
    );
  }
  const curve = key.asymmetricKeyDetails?.namedCurve;
  if (key.asymmetricKeyType === "ec" && curve === "prime256v1") return key;
  const found = [key.asymmetricKeyType, curve].filter(Boolean).join(" ");
  throw new Problem(
    "config.invalid",
    `Cannot use issuer key: it is ${found}, expected ECDSA P-256`,
    {
      hint:
        "make one with: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256",
    },
  );
}

function ownsKey(certificate: X509Certificate, key: KeyObject): boolean {
  const { x, y } = key.export({ format: "jwk" });
  const point = Buffer.concat([
    Buffer.from(x ?? "", "base64url"),
    Buffer.from(y ?? "", "base64url"),
  ]);
  // The uncompressed point ends the SubjectPublicKeyInfo (RFC 5480 2).
  const subjectKey = Buffer.from(certificate.publicKey.rawData);
  return subjectKey.subarray(-point.length).equals(point);
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new Problem(
      "config.invalid",
      `Cannot read "${path}": ${describe(cause)}`,
      { cause },
    );
  }
}
