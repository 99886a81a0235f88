import "reflect-metadata"; // @peculiar/x509 does not load without it
import {
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";
import type { FrontProxy } from "../front-proxy.ts";
import { createCa } from "./pki.ts";

/** Certificate and key, in PEM. */
export interface Credential {
  readonly cert: string;
  readonly key: string;
}

const P256 = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

const window = {
  notBeforeMs: Date.now() - 60_000,
  notAfterMs: Date.now() + 3_600_000,
};

/** Who signs the certificates of front proxies, and some that it signed: with a common name, and DNS names. */
export async function createFrontProxyCa(): Promise<{
  readonly pem: string;
  readonly client: (name: string, ...dns: string[]) => Promise<Credential>;
}> {
  const ca = await createCa({ name: "front-proxy-ca", ...window });
  return {
    pem: ca.certificatePem,
    client: async (name, ...dns) => {
      const keys = await crypto.subtle.generateKey(P256, true, [
        "sign",
        "verify",
      ]);
      const certificate = await X509CertificateGenerator.create({
        subject: `CN=${name}`,
        issuer: ca.certificate.subject,
        notBefore: new Date(window.notBeforeMs),
        notAfter: new Date(window.notAfterMs),
        publicKey: keys.publicKey,
        signingKey: ca.keys.privateKey,
        signingAlgorithm: P256,
        extensions: [
          new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth]),
          ...dns.length === 0 ? [] : [
            new SubjectAlternativeNameExtension(
              dns.map((value) => ({ type: "dns" as const, value })),
            ),
          ],
        ],
      });
      const pkcs8 = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
      return {
        cert: `${certificate.toString("pem")}\n`,
        key: `${PemConverter.encode(pkcs8, "PRIVATE KEY")}\n`,
      };
    },
  };
}

/** As kubeadm configures API servers. */
export function frontProxy(ca: string): FrontProxy {
  return {
    ca,
    names: ["front-proxy-client"],
    userHeaders: ["x-remote-user"],
    uidHeaders: ["x-remote-uid"],
    groupHeaders: ["x-remote-group"],
    extraPrefixes: ["x-remote-extra-"],
  };
}
