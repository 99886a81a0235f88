import { matches } from "../../schemas/kube/selector.ts";
import type {
  AuthorizationPolicy,
  MeshTlsAuthentication,
  NetworkAuthentication,
  OutboundRoute,
  Policy,
  RateLimitPolicy,
  Route,
  Server,
  ServerAuthorization,
} from "../../schemas/kube.ts";
import { groupOf, serversOfRoute } from "../../schemas/kube/parents.ts";
import {
  AUTHENTICATIONS,
  TARGETS,
} from "../../schemas/kube/rules/authorization-policy.ts";
import { kindOf, type Reference } from "../../schemas/kube/rules/references.ts";
import { idOf } from "./keys.ts";
import { createMultimap, type Multimap } from "./multimap.ts";
import { createNamed, type Named } from "./named.ts";
import type { Servers } from "./servers.ts";

/** Who may call and how often, arranged by what it is about. */
export interface Policies {
  readonly serverAuthorizations: Named<ServerAuthorization>;
  readonly authorizationPolicies: Named<AuthorizationPolicy>;
  readonly meshTls: Named<MeshTlsAuthentication>;
  readonly networks: Named<NetworkAuthentication>;
  readonly routes: Named<Route>;
  readonly rateLimits: Named<RateLimitPolicy>;
  /** AuthorizationPolicies by `targetKey`. */
  readonly byTarget: Pick<Multimap<AuthorizationPolicy>, "get">;
  /** Routes by the id of a Server they hang on. */
  readonly routesByServer: Pick<Multimap<Route>, "get">;
  /** Rate limits by the id of their Server. */
  readonly limitsByServer: Pick<Multimap<RateLimitPolicy>, "get">;
  /** Replaces or removes an object; gives the ids of Servers that it is about, or was. */
  readonly put: (
    now: Policy,
    gone: boolean,
    servers: Servers,
  ) => ReadonlySet<string>;
}

/** Creates an empty index of policies. */
export function createPolicies(): Policies {
  const serverAuthorizations = createNamed<ServerAuthorization>();
  const authorizationPolicies = createNamed<AuthorizationPolicy>();
  const meshTls = createNamed<MeshTlsAuthentication>();
  const networks = createNamed<NetworkAuthentication>();
  const routes = createNamed<Route>(routeKey);
  const rateLimits = createNamed<RateLimitPolicy>();
  const byTarget = createMultimap<AuthorizationPolicy>();
  const byReference = createMultimap<AuthorizationPolicy>();
  const routesByServer = createMultimap<Route>();
  const limitsByServer = createMultimap<RateLimitPolicy>();

  function putPolicy(now: AuthorizationPolicy, gone: boolean) {
    const old = authorizationPolicies.put(now, gone);
    if (old !== undefined) {
      byTarget.remove(targetKey(old), old);
      for (const key of referenceKeys(old)) byReference.remove(key, old);
    }
    if (!gone) {
      byTarget.add(targetKey(now), now);
      for (const key of referenceKeys(now)) byReference.add(key, now);
    }
    return old;
  }

  function putRoute(now: Route, gone: boolean) {
    const old = routes.put(now, gone);
    for (const id of serverIdsOf(old)) {
      if (old !== undefined) routesByServer.remove(id, old);
    }
    if (!gone) {
      for (const id of serverIdsOf(now)) {
        routesByServer.add(id, now);
      }
    }
    return old;
  }

  function putLimit(now: RateLimitPolicy, gone: boolean) {
    const old = rateLimits.put(now, gone);
    if (old !== undefined) limitsByServer.remove(limitedServer(old), old);
    if (!gone) limitsByServer.add(limitedServer(now), now);
    return old;
  }

  function replace(now: Policy, gone: boolean): Policy | undefined {
    switch (now.kind) {
      case "ServerAuthorization":
        return serverAuthorizations.put(now, gone);
      case "AuthorizationPolicy":
        return putPolicy(now, gone);
      case "MeshTLSAuthentication":
        return meshTls.put(now, gone);
      case "NetworkAuthentication":
        return networks.put(now, gone);
      case "HTTPLocalRateLimitPolicy":
        return putLimit(now, gone);
      case "HTTPRoute":
      case "GRPCRoute":
        return putRoute(now, gone);
    }
  }

  function serversAbout(policy: Policy, servers: Servers): Iterable<string> {
    const { namespace } = policy.metadata;
    const inNamespace = (test: (server: Server) => boolean) =>
      [...servers.byNamespace.get(namespace)].filter(test)
        .map(({ metadata }) => idOf(metadata));
    switch (policy.kind) {
      case "ServerAuthorization":
        return inNamespace((server) => isAbout(policy, server));
      case "AuthorizationPolicy":
        switch (kindOf(policy.spec.targetRef, TARGETS)) {
          case "Server":
            return [idOf({ namespace, name: policy.spec.targetRef.name })];
          case "Namespace":
            return inNamespace(() => true);
          default:
            return serverIdsOf(routes.byId.get(targetKey(policy)));
        }
      case "MeshTLSAuthentication":
      case "NetworkAuthentication":
        return [...byReference.get(referenceKey(policy, policy.metadata))]
          .flatMap((user) => [...serversAbout(user, servers)]);
      case "HTTPLocalRateLimitPolicy":
        return [limitedServer(policy)];
      case "HTTPRoute":
      case "GRPCRoute":
        return serverIdsOf(policy);
    }
  }

  return {
    serverAuthorizations,
    authorizationPolicies,
    meshTls,
    networks,
    routes,
    rateLimits,
    byTarget,
    routesByServer,
    limitsByServer,
    put: (now, gone, servers) => {
      const old = replace(now, gone);
      return new Set([
        ...old === undefined ? [] : serversAbout(old, servers),
        ...serversAbout(now, servers),
      ]);
    },
  };
}

/** Whether a ServerAuthorization is about the Server, by its name or its labels. */
export function isAbout(
  { metadata, spec }: ServerAuthorization,
  server: Server,
): boolean {
  if (metadata.namespace !== server.metadata.namespace) return false;
  const { name, selector } = spec.server;
  if (name !== undefined) return name === server.metadata.name;
  return selector !== undefined &&
    matches(selector, server.metadata.labels ?? {});
}

/** Names a route among routes: HTTPRoutes of two groups may have one name. */
export function routeKey(
  { apiVersion, kind, metadata }: OutboundRoute,
): string {
  return `${kind}.${groupOf(apiVersion)} ${idOf(metadata)}`;
}

/** Names what an AuthorizationPolicy is about; of its own namespace always. Nothing has the empty name. */
function targetKey({ metadata: { namespace }, spec }: AuthorizationPolicy) {
  const { group = "", name } = spec.targetRef;
  const kind = kindOf(spec.targetRef, TARGETS);
  switch (kind) {
    case null:
      return "";
    case "Namespace":
      return name === namespace ? namespaceTarget(namespace) : "";
    case "Server":
      return serverTarget(idOf({ namespace, name }));
    default:
      return `${kind}.${group.toLowerCase()} ${idOf({ namespace, name })}`;
  }
}

/** The target of policies about one Server. */
export function serverTarget(id: string): string {
  return `Server ${id}`;
}

/** The target of policies about all Servers of a Namespace. */
export function namespaceTarget(name: string): string {
  return `Namespace ${name}`;
}

function referenceKeys({ metadata, spec }: AuthorizationPolicy): string[] {
  return spec.requiredAuthenticationRefs.map(({ namespace, name, ...rest }) =>
    referenceKey(rest, { namespace: namespace ?? metadata.namespace, name })
  );
}

function referenceKey(
  { kind, group = "policy.linkerd.io" }: Reference,
  name: Parameters<typeof idOf>[0],
): string {
  return `${kindOf({ kind, group }, AUTHENTICATIONS)} ${idOf(name)}`;
}

function serverIdsOf(route: Route | undefined): string[] {
  if (route === undefined) return [];
  const { namespace } = route.metadata;
  return serversOfRoute(route).map((name) => idOf({ namespace, name }));
}

function limitedServer({ metadata, spec }: RateLimitPolicy): string {
  return idOf({ namespace: metadata.namespace, name: spec.targetRef.name });
}
