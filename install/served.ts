import { Problem } from "../schemas/problem.ts";
import {
  base64,
  type Install,
  metadataOf,
  type ServedName,
} from "./context.ts";
import type { Manifest } from "./manifest.ts";

/** What the API server calls over TLS. */
export interface Served<Name extends ServedName = ServedName> {
  /** Its block of values. */
  readonly block: Name;
  /** Service, and stem of Secret and configuration. */
  readonly service: string;
  readonly component: string;
}

/** Name of the Secret that a server mounts. */
export function tlsSecretName(service: string): string {
  return `${service}-k8s-tls`;
}

/** The Secret of its certificate, unless it comes from elsewhere. */
export function tlsSecret(install: Install, served: Served): Manifest[] {
  if (install.values[served.block].externalSecret) return [];
  const { crtPEM, keyPEM } = install.served[served.block];
  return [{
    apiVersion: "v1",
    kind: "Secret",
    metadata: metadataOf(install, tlsSecretName(served.service), {
      component: served.component,
    }),
    type: "kubernetes.io/tls",
    data: { "tls.crt": base64(crtPEM), "tls.key": base64(keyPEM) },
  }];
}

/** Whom the API server trusts for it: cert-manager says so later, or a bundle does now. Throws `config.invalid`. */
export function trustOf(
  install: Install,
  { block }: Served,
): {
  readonly annotations: Readonly<Record<string, string>>;
  readonly fields: { readonly caBundle?: string };
} {
  const { externalSecret, caBundle, injectCaFrom, injectCaFromSecret } =
    install.values[block];
  const sources = [caBundle, injectCaFrom, injectCaFromSecret]
    .filter((source) => source !== "").length;
  if (sources > 1) {
    throw refuse(
      block,
      "more than one of caBundle, injectCaFrom and injectCaFromSecret is set",
      "keep the one that says who signed the certificate",
    );
  }
  if (externalSecret && sources === 0) {
    throw refuse(
      block,
      "externalSecret is set, but not who signed the certificate in it",
      `set ${block}.caBundle, ${block}.injectCaFrom or ${block}.injectCaFromSecret`,
    );
  }
  if (!externalSecret && (injectCaFrom !== "" || injectCaFromSecret !== "")) {
    throw refuse(
      block,
      "injectCaFrom and injectCaFromSecret are for certificates of others",
      `set ${block}.externalSecret=true`,
    );
  }
  if (injectCaFrom !== "") {
    return {
      annotations: { "cert-manager.io/inject-ca-from": injectCaFrom },
      fields: {},
    };
  }
  if (injectCaFromSecret !== "") {
    return {
      annotations: {
        "cert-manager.io/inject-ca-from-secret": injectCaFromSecret,
      },
      fields: {},
    };
  }
  const bundle = caBundle || install.served[block].caBundle;
  return { annotations: {}, fields: { caBundle: base64(bundle) } };
}

function refuse(block: ServedName, found: string, hint: string): Problem {
  return new Problem("config.invalid", `Cannot use ${block}: ${found}`, {
    hint,
  });
}
