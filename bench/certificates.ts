import "reflect-metadata"; // @peculiar/x509 does not load without it
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";

const ALGORITHM = {
  name: "ECDSA",
  namedCurve: "P-256",
  hash: "SHA-256",
} as const;

/** A benchmark lasts minutes. */
const LIFETIME_MS = 86_400_000;

/** PEM texts of a leaf. */
export interface Leaf {
  readonly certificate: string;
  readonly key: string;
}

/** What both ends of a hop need to know each other; the peers' pairs all use the same. */
export interface Certificates {
  readonly anchor: string;
  readonly client: Leaf;
  readonly server: Leaf;
}

/** The name in the server's certificate, which clients verify. */
export const SERVER_NAME = "server.bench";
const CLIENT_NAME = "client.bench";

/** A trust anchor and two leaves, ECDSA P-256 as in the mesh. */
export async function createCertificates(now: number): Promise<Certificates> {
  const keys = await createKeys();
  const validity = {
    notBefore: new Date(now - LIFETIME_MS),
    notAfter: new Date(now + LIFETIME_MS),
    signingAlgorithm: ALGORITHM,
  };
  const anchor = await X509CertificateGenerator.createSelfSigned({
    ...validity,
    keys,
    name: "CN=anchor.bench",
    extensions: [new BasicConstraintsExtension(true, 0, true)],
  });
  const issue = async (name: string): Promise<Leaf> => {
    const own = await createKeys();
    const leaf = await X509CertificateGenerator.create({
      ...validity,
      subject: `CN=${name}`,
      issuer: anchor.subject,
      publicKey: own.publicKey,
      signingKey: keys.privateKey,
      extensions: [
        new SubjectAlternativeNameExtension([{ type: "dns", value: name }]),
        new ExtendedKeyUsageExtension([
          ExtendedKeyUsage.serverAuth,
          ExtendedKeyUsage.clientAuth,
        ]),
      ],
    });
    const pkcs8 = await crypto.subtle.exportKey("pkcs8", own.privateKey);
    return {
      certificate: `${leaf.toString("pem")}\n`,
      key: `${PemConverter.encode(pkcs8, "PRIVATE KEY")}\n`,
    };
  };
  const [client, server] = await Promise.all(
    [CLIENT_NAME, SERVER_NAME].map(issue),
  ) as [Leaf, Leaf];
  return { anchor: `${anchor.toString("pem")}\n`, client, server };
}

function createKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
}
