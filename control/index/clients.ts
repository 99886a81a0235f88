import type {
  AuthorizationPolicy,
  MeshTlsAuthentication,
  ServerAuthorization,
} from "../../schemas/kube.ts";
import {
  type CidrRule,
  readNetwork,
} from "../../schemas/kube/rules/networks.ts";
import { kindOf } from "../../schemas/kube/rules/references.ts";
import { formatIdentity } from "../../schemas/identity.ts";
import type { Authentication, NetworkMatch } from "../../schemas/policy.ts";
import { Problem } from "../../schemas/problem.ts";
import type { ObjectName } from "../views.ts";
import type { Settings } from "./settings.ts";

type Client = ServerAuthorization["spec"]["client"];
type Refs = AuthorizationPolicy["spec"]["requiredAuthenticationRefs"];

/** Clients of these names, `*` and `*.suffix` among them; null when there are none. */
export function namedClients(names: readonly string[]): Authentication | null {
  if (names.length === 0) return null;
  const isPattern = (name: string) => name === "*" || name.startsWith("*.");
  return {
    kind: "identities",
    identities: new Set(names.filter((name) => !isPattern(name))),
    suffixes: names.filter(isPattern).map((name) => name.slice(1)),
  };
}

/** The identities of a service account; none when its name cannot be part of one. */
export function accountIdentities(
  { namespace, name }: ObjectName,
  settings: Settings,
): string[] {
  try {
    return [formatIdentity({ serviceAccount: name, namespace }, settings)];
  } catch (thrown) {
    if (thrown instanceof Problem) return [];
    throw thrown;
  }
}

/** The clients of a MeshTLSAuthentication; null when it names nobody. */
export function clientsOfMeshTls(
  { metadata, spec }: MeshTlsAuthentication,
  settings: Settings,
): Authentication | null {
  const { controlNamespace, trustDomain } = settings;
  const referred = (spec.identityRefs ?? []).flatMap(
    (reference: Refs[number]) => {
      const { name, namespace = metadata.namespace } = reference;
      switch (kindOf(reference, ["ServiceAccount", "Namespace"])) {
        case "ServiceAccount":
          return accountIdentities({ namespace, name }, settings);
        case "Namespace":
          return [
            `*.${name}.serviceaccount.identity.${controlNamespace}.${trustDomain}`,
          ];
        case null:
          return [];
      }
    },
  );
  return namedClients([...spec.identities ?? [], ...referred]);
}

/** The clients of a ServerAuthorization; null when it names nobody. */
export function clientsOfServerAuthorization(
  { unauthenticated, meshTLS }: Client,
  ownNamespace: string,
  settings: Settings,
): Authentication | null {
  if (unauthenticated === true) return { kind: "unauthenticated" };
  if (meshTLS?.unauthenticatedTLS === true) return { kind: "tls" };
  const accounts = (meshTLS?.serviceAccounts ?? [])
    .flatMap(({ name, namespace = ownNamespace }) =>
      accountIdentities({ namespace, name }, settings)
    );
  return namedClients([...meshTLS?.identities ?? [], ...accounts]);
}

/** Networks as a proxy matches them; null when one of them cannot be read, as to leave it out might widen another. */
export function readNetworks(
  rules: readonly CidrRule[],
): NetworkMatch[] | null {
  const found: NetworkMatch[] = [];
  for (const { cidr, except = [] } of rules) {
    const network = readNetwork(cidr);
    const holes = except.map(readNetwork)
      .filter((hole) => hole !== null);
    if (network === null || holes.length < except.length) return null;
    found.push({ network, except: holes });
  }
  return found;
}
