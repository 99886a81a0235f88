import { Problem } from "../../schemas/problem.ts";
import type { Values } from "../../schemas/values.ts";
import type { ServedCertificate, ServedName } from "../../install/context.ts";
import { checkAnchors, checkIssuer } from "../certificates/check.ts";
import {
  type KeyPair,
  makeAuthority,
  makeServer,
} from "../certificates/make.ts";
import { readBundle, readKey } from "../certificates/read.ts";

/** PEM texts that a command line names files of. */
export interface GivenCredentials {
  readonly crtPEM: string | undefined;
  readonly keyPEM: string | undefined;
  readonly anchorsPEM: string | undefined;
}

/**
 * Values with issuer and trust anchors: those of files, those of values, or new ones when there are none. Checked at
 * `now` (milliseconds); throws `config.invalid` with what is missing or will not work.
 */
export function fillIssuer(
  values: Values,
  given: GivenCredentials,
  namespace: string,
  now: number,
): Values {
  const { issuer, externalCA } = values.identity;
  const crtPEM = given.crtPEM ?? issuer.tls.crtPEM;
  const keyPEM = given.keyPEM ?? issuer.tls.keyPEM;
  const anchorsPEM = given.anchorsPEM ?? values.identityTrustAnchorsPEM;
  if (issuer.scheme === "kubernetes.io/tls") {
    return external(values, { crtPEM, keyPEM, anchorsPEM }, now);
  }
  if (crtPEM === "" && keyPEM === "" && anchorsPEM === "") {
    if (externalCA) {
      throw refuse(
        "Cannot make an issuer: its trust anchor would have to be where others keep them (identity.externalCA)",
        "give certificate, key and trust anchors by file, or --identity-external-issuer",
      );
    }
    const domain = values.identityTrustDomain || values.clusterDomain;
    const made = makeAuthority(`identity.${namespace}.${domain}`, now);
    return filled(values, { ...made, anchorsPEM: made.crtPEM });
  }
  const others = "if other credentials are provided";
  if (anchorsPEM === "") {
    throw refuse(`a trust anchors file must be specified ${others}`, ANCHORS);
  }
  if (crtPEM === "") {
    throw refuse(
      `a certificate file must be specified ${others}`,
      "give it with --identity-issuer-certificate-file",
    );
  }
  if (keyPEM === "") {
    throw refuse(
      `a private key file must be specified ${others}`,
      "give it with --identity-issuer-key-file",
    );
  }
  return filled(values, checkIssuer({ crtPEM, keyPEM, anchorsPEM }, now));
}

const ANCHORS = "give them with --identity-trust-anchors-file";

/** Others keep the issuer in a Secret: only its anchors are needed here. */
function external(
  values: Values,
  { crtPEM, keyPEM, anchorsPEM }: {
    readonly crtPEM: string;
    readonly keyPEM: string;
    readonly anchorsPEM: string;
  },
  now: number,
): Values {
  const flag = "must not be specified if --identity-external-issuer=true";
  if (crtPEM !== "") {
    throw refuse(
      `--identity-issuer-certificate-file ${flag}`,
      "it is read from Secret linkerd-identity-issuer",
    );
  }
  if (keyPEM !== "") {
    throw refuse(
      `--identity-issuer-key-file ${flag}`,
      "it is read from Secret linkerd-identity-issuer",
    );
  }
  if (anchorsPEM !== "") checkAnchors(anchorsPEM, now);
  else if (!values.identity.externalCA) {
    throw refuse(
      "--ignore-cluster is not supported when --identity-external-issuer=true",
      `without a cluster nobody can tell the trust anchors: ${ANCHORS}, or keep them in a ConfigMap and say --identity-external-ca`,
    );
  }
  return { ...values, identityTrustAnchorsPEM: anchorsPEM };
}

function filled(
  values: Values,
  { crtPEM, keyPEM, anchorsPEM }: {
    readonly crtPEM: string;
    readonly keyPEM: string;
    readonly anchorsPEM: string;
  },
): Values {
  const { identity } = values;
  return {
    ...values,
    identityTrustAnchorsPEM: anchorsPEM,
    identity: {
      ...identity,
      issuer: { ...identity.issuer, tls: { crtPEM, keyPEM } },
    },
  };
}

/** Services that the API server calls, by their blocks of values. */
export const SERVICES: Readonly<Record<ServedName, string>> = {
  proxyInjector: "linkerd-proxy-injector",
  profileValidator: "linkerd-sp-validator",
  policyValidator: "linkerd-policy-validator",
  tap: "linkerd-metrics",
};

/** Certificates that are there already and good enough to stay. */
export type KeptCertificates = Readonly<Partial<Record<ServedName, KeyPair>>>;

/** Their certificates: those of values, those that are kept, or new ones that sign themselves. */
export function servedCertificates(
  values: Values,
  namespace: string,
  now: number,
  kept: KeptCertificates = {},
): Record<ServedName, ServedCertificate> {
  const of = (name: ServedName): ServedCertificate => {
    const { crtPEM, keyPEM, caBundle, externalSecret } = values[name];
    if (externalSecret) return { crtPEM: "", keyPEM: "", caBundle };
    if (crtPEM === "" && keyPEM === "") {
      const made = kept[name] ??
        makeServer(`${SERVICES[name]}.${namespace}.svc`, now);
      return { ...made, caBundle: made.crtPEM };
    }
    const [server] = readBundle(crtPEM, `${name}.crtPEM`);
    if (!server.x509.checkPrivateKey(readKey(keyPEM, `${name}.keyPEM`))) {
      throw refuse(
        `Cannot use ${name}: keyPEM is not the key of crtPEM`,
        "give the two of one certificate, or neither",
      );
    }
    return { crtPEM, keyPEM, caBundle: caBundle || crtPEM };
  };
  return {
    proxyInjector: of("proxyInjector"),
    profileValidator: of("profileValidator"),
    policyValidator: of("policyValidator"),
    tap: of("tap"),
  };
}

function refuse(message: string, hint: string): Problem {
  return new Problem("config.invalid", message, { hint });
}
