import "reflect-metadata"; // @peculiar/x509 does not load without it
import {
  BasicConstraintsExtension,
  type Extension,
  type JsonGeneralNames,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  Pkcs10CertificateRequestGenerator,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";

/** A certificate with its key, as an issuer of others or as an end. */
export interface Pair {
  readonly certificate: X509Certificate;
  readonly keys: CryptoKeyPair;
  readonly certificatePem: string;
  readonly keyPem: string;
}

export interface CaOptions {
  readonly name: string;
  /** Signs itself when absent. */
  readonly parent?: Pair;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly ca?: boolean;
  readonly usages?: number;
  readonly pathLength?: number;
  /** An IP address, for what serves TLS with it. */
  readonly ip?: string;
  readonly algorithm?: EcKeyGenParams | RsaHashedKeyGenParams;
}

const P256 = { name: "ECDSA", namedCurve: "P-256" };

/** RSA as other tools make it, for what must be refused or accepted above the issuer. */
export const RSA_2048 = {
  name: "RSASSA-PKCS1-v1_5",
  modulusLength: 2_048,
  publicExponent: new Uint8Array([1, 0, 1]),
  hash: "SHA-256",
};

/** A CA, or with `ca: false` what pretends to be one. */
export async function createCa(options: CaOptions): Promise<Pair> {
  const keys = await createKeys(options.algorithm ?? P256);
  const usages = options.usages ?? KeyUsageFlags.keyCertSign;
  const signer = options.parent?.keys ?? keys;
  const certificate = await X509CertificateGenerator.create({
    subject: `CN=${options.name}`,
    issuer: options.parent?.certificate.subject ?? `CN=${options.name}`,
    notBefore: new Date(options.notBeforeMs),
    notAfter: new Date(options.notAfterMs),
    publicKey: keys.publicKey,
    signingKey: signer.privateKey,
    signingAlgorithm: { hash: "SHA-256", ...signer.privateKey.algorithm },
    extensions: [
      new BasicConstraintsExtension(
        options.ca ?? true,
        options.pathLength,
        true,
      ),
      new KeyUsagesExtension(usages, true),
      ...(options.ip === undefined ? [] : [
        new SubjectAlternativeNameExtension([{
          type: "ip",
          value: options.ip,
        }]),
      ]),
    ],
  });
  return {
    certificate,
    keys,
    certificatePem: `${certificate.toString("pem")}\n`,
    keyPem: await keyPem(keys),
  };
}

export interface RequestOptions {
  readonly names?: JsonGeneralNames;
  readonly subject?: string;
  readonly algorithm?: EcKeyGenParams | RsaHashedKeyGenParams;
  readonly extensions?: readonly Extension[];
}

/** DER of a signing request with one DNS name, unless told otherwise. */
export async function createRequest(
  identity: string,
  options: RequestOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const algorithm = options.algorithm ?? P256;
  const names = options.names ?? [{ type: "dns", value: identity }];
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: options.subject ?? "",
    keys: await createKeys(algorithm),
    signingAlgorithm: { ...algorithm, hash: "SHA-256" },
    extensions: [
      ...(names.length === 0
        ? []
        : [new SubjectAlternativeNameExtension(names)]),
      ...(options.extensions ?? []),
    ],
  });
  return new Uint8Array(request.rawData);
}

async function createKeys(
  algorithm: EcKeyGenParams | RsaHashedKeyGenParams,
): Promise<CryptoKeyPair> {
  return await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
}

async function keyPem(keys: CryptoKeyPair): Promise<string> {
  const der = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  return `${PemConverter.encode(der, PemConverter.PrivateKeyTag)}\n`;
}
