import "reflect-metadata"; // @peculiar/x509 does not load without it
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectKeyIdentifierExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";

const ALGORITHM = {
  name: "ECDSA",
  namedCurve: "P-256",
  hash: "SHA-256",
} as const;

/** A bed lives minutes; its anchors and issuers live a day. */
const LIFETIME_MS = 86_400_000;
/** Clocks inside a machine agree; this covers rounding to seconds. */
const SKEW_MS = 10_000;

/** A trust anchor with the power to make issuers. */
export interface Anchor {
  readonly pem: string;
  /** A new issuer under this anchor, as the files `crt.pem` and `key.pem` of an issuer folder. */
  createIssuer(now: number): Promise<{ crtPem: string; keyPem: string }>;
}

/** A new trust anchor. */
export async function createAnchor(now: number): Promise<Anchor> {
  const keys = await createKeys();
  const anchor = await sign("root.linkerd.cluster.local", {
    keys,
    signer: { privateKey: keys.privateKey, certificate: null },
    pathLength: 1,
    now,
  });
  return {
    pem: anchor.toString("pem") + "\n",
    async createIssuer(at) {
      const issuer = await createKeys();
      const certificate = await sign("identity.linkerd.cluster.local", {
        keys: issuer,
        signer: { privateKey: keys.privateKey, certificate: anchor },
        pathLength: 0,
        now: at,
      });
      const pkcs8 = await crypto.subtle.exportKey("pkcs8", issuer.privateKey);
      return {
        crtPem: certificate.toString("pem") + "\n",
        keyPem: PemConverter.encode(pkcs8, "PRIVATE KEY") + "\n",
      };
    },
  };
}

function createKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
}

interface Signing {
  readonly keys: CryptoKeyPair;
  readonly signer: {
    readonly privateKey: CryptoKey;
    /** Null: self-signed. */
    readonly certificate: X509Certificate | null;
  };
  readonly pathLength: number;
  readonly now: number;
}

async function sign(name: string, how: Signing): Promise<X509Certificate> {
  const { keys, signer, now } = how;
  return await X509CertificateGenerator.create({
    subject: `CN=${name}`,
    issuer: signer.certificate?.subject ?? `CN=${name}`,
    notBefore: new Date(now - SKEW_MS),
    notAfter: new Date(now + LIFETIME_MS),
    publicKey: keys.publicKey,
    signingKey: signer.privateKey,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(true, how.pathLength, true),
      new KeyUsagesExtension(
        KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign,
        true,
      ),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      ...(signer.certificate === null
        ? []
        : [await AuthorityKeyIdentifierExtension.create(signer.certificate)]),
    ],
  });
}
