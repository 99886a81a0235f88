import type {
  AuthorizationPolicy,
  Route,
  Server,
  ServerAuthorization,
} from "../../schemas/kube.ts";
import { AUTHENTICATIONS } from "../../schemas/kube/rules/authorization-policy.ts";
import { kindOf } from "../../schemas/kube/rules/references.ts";
import type {
  Authentication,
  Authorization,
  NetworkMatch,
} from "../../schemas/policy.ts";
import {
  accountIdentities,
  clientsOfMeshTls,
  clientsOfServerAuthorization,
  namedClients,
  readNetworks,
} from "./clients.ts";
import { idOf } from "./keys.ts";
import { EVERYWHERE } from "./modes.ts";
import { oldestFirst } from "./named.ts";
import {
  isAbout,
  namespaceTarget,
  routeKey,
  serverTarget,
} from "./policies.ts";
import type { State } from "./state.ts";

/** What an object permits, or why it permits nobody. */
export type Permission =
  | { readonly kind: "permit"; readonly authorization: Authorization }
  | { readonly kind: "nobody"; readonly why: string };

/** What objects permit on all of a Server, besides its own access policy. */
export function authorizationsOfServer(
  server: Server,
  { policies, settings }: State,
): Authorization[] {
  const { namespace } = server.metadata;
  const about = [...policies.serverAuthorizations.byNamespace.get(namespace)]
    .filter((one) => isAbout(one, server));
  const targeting = [
    ...policies.byTarget.get(serverTarget(idOf(server.metadata))),
    ...policies.byTarget.get(namespaceTarget(namespace)),
  ];
  return permits([
    ...oldestFirst(about)
      .map((one) => permissionOfServerAuthorization(one, settings)),
    ...oldestFirst(targeting)
      .map((one) => permissionOfPolicy(one, { policies, settings })),
  ]);
}

/** What objects permit on a route, besides what its Server does. */
export function authorizationsOfRoute(
  route: Route,
  { policies, settings }: State,
): Authorization[] {
  const found = oldestFirst(policies.byTarget.get(routeKey(route)));
  return permits(
    found.map((one) => permissionOfPolicy(one, { policies, settings })),
  );
}

function permits(permissions: readonly Permission[]): Authorization[] {
  return permissions.flatMap((one) =>
    one.kind === "permit" ? [one.authorization] : []
  );
}

/** What a ServerAuthorization permits; where it names no networks, to those of the cluster. */
export function permissionOfServerAuthorization(
  { metadata, spec }: ServerAuthorization,
  settings: State["settings"],
): Permission {
  const { networks: rules = [] } = spec.client;
  const networks = rules.length > 0
    ? readNetworks(rules)
    : settings.clusterNetworks.map((network) => ({ network, except: [] }));
  if (networks === null) return nobody("a network of it cannot be read");
  const authentication = clientsOfServerAuthorization(
    spec.client,
    metadata.namespace,
    settings,
  );
  if (authentication === null) return nobody("it names no clients");
  return permit(networks, authentication, "serverauthorization", metadata.name);
}

/**
 * What an AuthorizationPolicy permits: those who satisfy all that it refers to. The same object as last time while all
 * that it was made from is the same, so that one edit among a thousand policies is one of them computed, compared and
 * translated.
 */
export function permissionOfPolicy(
  policy: AuthorizationPolicy,
  { policies, settings }: Pick<State, "policies" | "settings">,
): Permission {
  const references = policy.spec.requiredAuthenticationRefs
    .map((reference) => resolve(reference, policy, policies));
  const sources = [settings, ...references.map(({ found }) => found)];
  const last = known.get(policy);
  const isSame = last?.sources.every((source, at) => source === sources[at]);
  if (last !== undefined && isSame) return last.permission;
  const permission = combine(policy, references, settings);
  known.set(policy, { sources, permission });
  return permission;
}

interface Known {
  readonly sources: readonly unknown[];
  readonly permission: Permission;
}

const known = new WeakMap<AuthorizationPolicy, Known>();

type Refs = AuthorizationPolicy["spec"]["requiredAuthenticationRefs"];

/** A reference and the object that it is to, if that is one we know. */
function resolve(
  reference: Refs[number],
  { metadata }: AuthorizationPolicy,
  { meshTls, networks }: State["policies"],
) {
  const { name, namespace = metadata.namespace } = reference;
  const id = idOf({ namespace, name });
  const kind = kindOf(reference, AUTHENTICATIONS);
  switch (kind) {
    case "MeshTLSAuthentication":
      return { kind, id, found: meshTls.byId.get(id) };
    case "NetworkAuthentication":
      return { kind, id, found: networks.byId.get(id) };
    case "ServiceAccount":
      return { kind, id, found: undefined, account: { namespace, name } };
    case null:
      return { kind, id: reference.kind, found: undefined };
  }
}

function combine(
  { metadata }: AuthorizationPolicy,
  references: readonly ReturnType<typeof resolve>[],
  settings: State["settings"],
): Permission {
  let networks: readonly NetworkMatch[] | undefined;
  let authentication: Authentication | undefined;
  for (const reference of references) {
    const { kind, id } = reference;
    if (kind === null) return nobody(`it asks for a ${id}`);
    if (kind === "NetworkAuthentication") {
      const { found } = reference;
      if (found === undefined) return nobody(`there is no ${kind} ${id}`);
      const read = readNetworks(found.spec.networks);
      if (read === null) return nobody(`a network of ${id} cannot be read`);
      if (networks !== undefined) return nobody(`it asks for a second ${kind}`);
      networks = read;
      continue;
    }
    if (authentication !== undefined) {
      return nobody("it asks for a second identity");
    }
    const clients = clientsOf(reference, settings);
    if (clients === "absent") return nobody(`there is no ${kind} ${id}`);
    if (clients === null) return nobody(`${kind} ${id} names nobody`);
    authentication = clients;
  }
  return permit(
    networks ?? EVERYWHERE.map((network) => ({ network, except: [] })),
    authentication ?? { kind: "unauthenticated" },
    "authorizationpolicy",
    metadata.name,
  );
}

function clientsOf(
  reference: Exclude<
    ReturnType<typeof resolve>,
    { kind: "NetworkAuthentication" | null }
  >,
  settings: State["settings"],
): Authentication | "absent" | null {
  if (reference.kind === "ServiceAccount") {
    return namedClients(accountIdentities(reference.account, settings));
  }
  const { found } = reference;
  return found === undefined ? "absent" : clientsOfMeshTls(found, settings);
}

function permit(
  networks: readonly NetworkMatch[],
  authentication: Authentication,
  kind: string,
  name: string,
): Permission {
  const meta = { group: "policy.linkerd.io", kind, name };
  return { kind: "permit", authorization: { networks, authentication, meta } };
}

function nobody(why: string): Permission {
  return { kind: "nobody", why };
}
