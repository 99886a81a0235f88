import "reflect-metadata"; // @peculiar/x509 does not load without it
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";

/** A certificate and its key, in PEM. */
export interface Credential {
  readonly certificate: string;
  readonly key: string;
}

/** What makes certificates for one cluster. */
export interface Authority {
  readonly pem: string;
  /** Of a server under these names and addresses. */
  server(commonName: string, names: readonly Name[]): Promise<Credential>;
  /** Of a user, in Kubernetes' sense: the common name says who it is, the organization its group. */
  client(user: string, group: string): Promise<Credential>;
}

export interface Name {
  readonly type: "dns" | "ip";
  readonly value: string;
}

const ALGORITHM = {
  name: "ECDSA",
  namedCurve: "P-256",
  hash: "SHA-256",
} as const;
/** As kubeadm makes them; a cluster for tests that is older is better taken down. */
const LIFETIME_MS = 365 * 86_400_000;
/** Clocks inside a machine agree; this covers rounding to seconds. */
const SKEW_MS = 10_000;

/** A new authority, whose key nobody can read: what it will ever sign is made before it is forgotten. */
export async function createAuthority(
  now: number,
  name = "kubernetes",
): Promise<Authority> {
  const subject = `CN=${name}`;
  const authority = await createKeys();
  const sign = (
    name: string,
    keys: CryptoKeyPair,
    extensions: readonly Extension[],
  ) =>
    X509CertificateGenerator.create({
      subject: name,
      issuer: subject,
      notBefore: new Date(now - SKEW_MS),
      notAfter: new Date(now + LIFETIME_MS),
      publicKey: keys.publicKey,
      signingKey: authority.privateKey,
      signingAlgorithm: ALGORITHM,
      extensions: [...extensions],
    });
  const issue = async (name: string, extensions: readonly Extension[]) => {
    const keys = await createKeys();
    const certificate = await sign(name, keys, [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      ...extensions,
    ]);
    const pkcs8 = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
    return {
      certificate: `${certificate.toString("pem")}\n`,
      key: `${PemConverter.encode(pkcs8, "PRIVATE KEY")}\n`,
    };
  };
  const itself = await sign(subject, authority, [
    new BasicConstraintsExtension(true, 0, true),
    new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
    await SubjectKeyIdentifierExtension.create(authority.publicKey),
  ]);
  return {
    pem: `${itself.toString("pem")}\n`,
    server: (commonName, names) =>
      issue(`CN=${commonName}`, [
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
        new SubjectAlternativeNameExtension([...names]),
      ]),
    client: (user, group) =>
      issue(`O=${group}, CN=${user}`, [
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth]),
      ]),
  };
}

function createKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
}
