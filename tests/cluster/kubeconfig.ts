import { stringify } from "yaml";
import type { Credential } from "./pki.ts";

export interface KubeconfigSpec {
  /** Such as `https://127.0.0.1:6443`. */
  readonly server: string;
  /** The authority of the server's certificate, PEM. */
  readonly authority: string;
  /** Also the name of the context, behind the cluster's. */
  readonly user: string;
  readonly credential: Credential;
}

const CLUSTER = "linkerd-ts";

/** A kubeconfig with one context, that needs no other file. */
export function formatKubeconfig(spec: KubeconfigSpec): string {
  const { server, authority, user, credential } = spec;
  const context = `${user}@${CLUSTER}`;
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{
      name: CLUSTER,
      cluster: { server, "certificate-authority-data": btoa(authority) },
    }],
    users: [{
      name: user,
      user: {
        "client-certificate-data": btoa(credential.certificate),
        "client-key-data": btoa(credential.key),
      },
    }],
    contexts: [{ name: context, context: { cluster: CLUSTER, user } }],
    "current-context": context,
  }, { lineWidth: 0 });
}
