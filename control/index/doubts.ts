import type {
  Namespace,
  Policy,
  RateLimitPolicy,
  Route,
} from "../../schemas/kube.ts";
import { ANNOTATIONS, INBOUND_POLICIES } from "../../schemas/names.ts";
import { serversOfRoute } from "../../schemas/kube/parents.ts";
import {
  type Permission,
  permissionOfPolicy,
  permissionOfServerAuthorization,
} from "./authorizations.ts";
import { idOf } from "./keys.ts";
import { parseInboundMode } from "./modes.ts";
import { limitsOf } from "./rate-limits.ts";
import { filtersNotDone } from "./route-rules.ts";
import { portsOf, selects, type Servers, serversOf } from "./servers.ts";
import type { State } from "./state.ts";
import type { Workload } from "./workloads.ts";

/** Sentences about a policy that does not do what its author may believe; legal, and worth saying. */
export function doubtsAbout(policy: Policy, state: State): string[] {
  switch (policy.kind) {
    case "ServerAuthorization":
      return lack(
        policy,
        permissionOfServerAuthorization(policy, state.settings),
      );
    case "AuthorizationPolicy":
      return lack(policy, permissionOfPolicy(policy, state));
    case "MeshTLSAuthentication":
    case "NetworkAuthentication":
      return [];
    case "HTTPRoute":
    case "GRPCRoute":
      return [...routeDoubts(policy, state)];
    case "HTTPLocalRateLimitPolicy":
      return limitDoubts(policy, state);
  }
}

/** A word for who may call by default that means nothing denies all, whoever it was to let in. */
export function doubtsAboutDefault(
  { kind, metadata }: Namespace | Workload,
): string[] {
  const key = ANNOTATIONS.defaultInboundPolicy;
  const found = metadata.annotations?.[key];
  if (found === undefined || parseInboundMode(found) !== null) return [];
  const { name, namespace } = metadata;
  return [
    `${kind} ${
      namespace === undefined ? name : idOf({ namespace, name })
    } denies where no Server is in force: its annotation ${key} is "${found}", expected one of ${
      INBOUND_POLICIES.join(", ")
    }`,
  ];
}

/** Two Servers on one port are legal; that only one of them holds is worth saying. */
export function overlapsOn(workload: Workload, servers: Servers): string[] {
  const about = [...servers.byNamespace.get(workload.metadata.namespace)]
    .filter((server) => selects(server, workload));
  if (about.length < 2) return [];
  const ports = new Set(about.flatMap((server) => portsOf(server, workload)));
  return [...ports].flatMap((port) => {
    const [first, ...others] = serversOf(servers, workload, port);
    return others.map((other) =>
      `Server ${
        idOf(other.metadata)
      } is not in force on port ${port}: Server ${first?.metadata.name} is older or first by name`
    );
  });
}

function lack(policy: Policy, permission: Permission): string[] {
  if (permission.kind === "permit") return [];
  return [`${nameOf(policy)} permits nobody: ${permission.why}`];
}

function* routeDoubts(route: Route, { servers }: State): Generator<string> {
  const name = nameOf(route);
  if (route.isUnreadable) {
    yield `${name} cannot be read: all requests to its Servers are denied`;
  }
  const names = serversOfRoute(route);
  for (const type of names.length === 0 ? [] : filtersNotDone(route)) {
    yield type === "ResponseHeaderModifier"
      ? `${name}: the filter ${type} has no effect on what a Server receives`
      : `${name}: requests of rules with the filter ${type} are denied, as a proxy cannot do it to what it receives`;
  }
  const { namespace } = route.metadata;
  for (const server of names) {
    const { spec } = servers.byId.get(idOf({ namespace, name: server })) ?? {};
    if (spec?.proxyProtocol === "opaque" || spec?.proxyProtocol === "TLS") {
      yield `${name} has no effect: Server ${server} does not parse requests (proxyProtocol ${spec.proxyProtocol})`;
    }
  }
}

function limitDoubts(
  policy: RateLimitPolicy,
  { servers, policies }: State,
): string[] {
  const { namespace } = policy.metadata;
  const name = policy.spec.targetRef.name;
  const server = servers.byId.get(idOf({ namespace, name }));
  if (server === undefined) return [];
  const { proxyProtocol } = server.spec;
  if (proxyProtocol === "opaque" || proxyProtocol === "TLS") {
    return [
      `${
        nameOf(policy)
      } has no effect: Server ${name} does not parse requests (proxyProtocol ${proxyProtocol})`,
    ];
  }
  const [first, ...others] = limitsOf(server, policies);
  return others.map((other) =>
    `${nameOf(other)} is not in force: ${
      first === undefined ? "another" : nameOf(first)
    } is older or first by name`
  );
}

function nameOf({ kind, metadata }: Policy): string {
  return `${kind} ${idOf(metadata)}`;
}
