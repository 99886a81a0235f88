import "reflect-metadata"; // @peculiar/x509 does not load without it
import { createHash, randomUUID } from "node:crypto";
import { link, mkdir, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { Problem } from "../../schemas/problem.ts";
import type { IssuerFiles, IssuerPaths } from "./load.ts";

/** How long a generated root and issuer last: as those of `linkerd install`. */
const VALIDITY_MS = 365 * 24 * 3_600_000;

/** For clocks of other machines that are a little behind. */
const BACKDATE_MS = 60_000;

const ECDSA_P256 = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/**
 * Makes a root and an issuer at the first run and says whether it did: with all three files there it does nothing, with
 * some of them it throws `config.invalid`, for whoever wrote those has plans of their own.
 */
export async function ensureIssuer(
  paths: IssuerPaths,
  trustDomain: string,
  now: number,
): Promise<boolean> {
  const all = [paths.anchors, paths.certificate, paths.key];
  const present = await Promise.all(all.map(exists));
  if (present.every(Boolean)) return false;
  if (present.some(Boolean)) {
    const missing = all.filter((_, index) => !present[index]);
    throw new Problem(
      "config.invalid",
      `Cannot generate an issuer: ${
        missing.map(quote).join(" and ")
      } missing, but other files of it are there`,
      { hint: "add what is missing, or remove all three to start anew" },
    );
  }
  const files = await generateIssuer(trustDomain, now);
  // The key comes last: who starts meanwhile finds an incomplete issuer and refuses, never half of one and of another.
  await writeNew(paths.anchors, files.anchors, 0o644);
  await writeNew(paths.certificate, files.certificate, 0o644);
  await writeNew(paths.key, files.key, 0o600);
  return true;
}

/** A root and an issuer signed by it, ECDSA P-256, as PEM. The root's key is forgotten: nobody can steal it. */
export async function generateIssuer(
  trustDomain: string,
  now: number,
): Promise<IssuerFiles> {
  const [root, issuer] = await Promise.all([generateKeys(), generateKeys()]);
  const rootName = `CN=root.linkerd.${trustDomain}`;
  const validity = {
    notBefore: new Date(now - BACKDATE_MS),
    notAfter: new Date(now + VALIDITY_MS),
    signingAlgorithm: ECDSA_P256,
  };
  const anchor = await X509CertificateGenerator.create({
    ...validity,
    subject: rootName,
    issuer: rootName,
    publicKey: root.publicKey,
    signingKey: root.privateKey,
    extensions: await caExtensions(root.publicKey, root.publicKey, undefined),
  });
  const certificate = await X509CertificateGenerator.create({
    ...validity,
    subject: `CN=identity.linkerd.${trustDomain}`,
    issuer: rootName,
    publicKey: issuer.publicKey,
    signingKey: root.privateKey,
    extensions: await caExtensions(issuer.publicKey, root.publicKey, 0),
  });
  const key = await crypto.subtle.exportKey("pkcs8", issuer.privateKey);
  return {
    anchors: `${anchor.toString("pem")}\n`,
    certificate: `${certificate.toString("pem")}\n`,
    key: `${PemConverter.encode(key, PemConverter.PrivateKeyTag)}\n`,
  };
}

function generateKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(ECDSA_P256, true, ["sign", "verify"]);
}

async function caExtensions(
  key: CryptoKey,
  signer: CryptoKey,
  pathLength: number | undefined,
): Promise<Extension[]> {
  const usages = KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign;
  return [
    new BasicConstraintsExtension(true, pathLength, true),
    new KeyUsagesExtension(usages, true),
    new SubjectKeyIdentifierExtension(await keyIdOf(key)),
    new AuthorityKeyIdentifierExtension(await keyIdOf(signer)),
  ];
}

/** A name for a key, the same wherever it is made of it. */
async function keyIdOf(key: CryptoKey): Promise<string> {
  const spki = new Uint8Array(await crypto.subtle.exportKey("spki", key));
  return createHash("sha1").update(spki).digest("hex");
}

/** Appears whole or not at all, and never replaces a file of that name: a link fails where a rename would win. */
async function writeNew(
  path: string,
  text: string,
  mode: number,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${randomUUID()}`;
  try {
    await writeFile(draft, text, { mode, flag: "wx", flush: true });
    await link(draft, path);
  } finally {
    await rm(draft, { force: true });
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") {
      return false;
    }
    throw cause;
  }
}

function quote(path: string): string {
  return `"${path}"`;
}
