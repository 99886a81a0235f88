import type { Realm } from "../../schemas/identity.ts";
import type { Lifetime } from "../issuer/leaf.ts";
import { type IssuerPaths, issuerPaths } from "../issuer/load.ts";
import type { ApiServer } from "../kube/in-cluster.ts";
import { IDENTITY_FLAGS } from "./known-flags.ts";
import {
  type Common,
  type Env,
  readApiServer,
  readProgram,
  SOURCES,
} from "./program.ts";
import {
  oneOf,
  parseDomain,
  parseLabel,
  parseLifetime,
  parseSpan,
} from "./values.ts";

export interface IdentityConfig extends Common {
  readonly program: "identity";
  readonly realm: Realm;
  readonly lifetime: Lifetime;
  readonly issuer: IssuerPaths;
  /** Who knows callers' tokens. Only with `files` is an issuer generated: replicas in a cluster must share one. */
  readonly tokens:
    | { readonly kind: "files"; readonly keys: string }
    | { readonly kind: "kube"; readonly server: ApiServer };
}

export function parseIdentity(
  argv: readonly string[],
  env: Env,
): IdentityConfig {
  return readProgram(argv, env, IDENTITY_FLAGS, (flags) => {
    const scheme = flags.read(
      "identity-scheme",
      oneOf(["linkerd.io/tls", "kubernetes.io/tls"]),
    );
    const source = flags.read("source", oneOf(SOURCES));
    const own: Omit<IdentityConfig, keyof Common> = {
      program: "identity",
      realm: {
        controlNamespace: flags.read("controller-namespace", parseLabel),
        trustDomain: flags.read("identity-trust-domain", parseDomain),
      },
      lifetime: {
        lifetimeMs: flags.read("identity-issuance-lifetime", parseLifetime),
        skewMs: flags.read("identity-clock-skew-allowance", parseSpan),
      },
      issuer: issuerPaths(
        flags.text("identity-issuer"),
        scheme,
        flags.text("identity-trust-anchors"),
      ),
      tokens: source === "files"
        ? { kind: "files", keys: flags.text("token-keys") }
        : { kind: "kube", server: readApiServer(flags, env) },
    };
    if (source === "kube" && flags.text("token-keys", false) !== "") {
      flags.fail("--token-keys: not used with --source kube");
    }
    return own;
  });
}
