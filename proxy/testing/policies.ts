import { parseNetwork } from "../../schemas/address.ts";
import type {
  Backend,
  ClientPolicy,
  HttpRoute,
  OpaqueRoute,
  RouteBackend,
} from "../../schemas/client-policy.ts";
import type {
  Authentication,
  Authorization,
  ServerPolicy,
  ServerProtocol,
} from "../../schemas/policy.ts";
import { endpointAt } from "./endpoints.ts";

const META = { kind: "default", name: "test" } as const;

/** The endpoints of a name; metrics call it by what comes before the first dot. */
export function backendOf(path: string): Backend {
  const load = { defaultRttMs: 30, decayMs: 10_000, penalty: null };
  const [name = ""] = path.split(".");
  return { kind: "balancer", meta: { kind: "default", name }, path, load };
}

/** One address. */
export function backendAt(ip: string, port = 80): Backend {
  return { kind: "forward", meta: META, endpoint: endpointAt(ip, port) };
}

/** Backends with weights. */
export function weighted(
  ...backends: readonly (readonly [backend: Backend, weight: number])[]
): RouteBackend<never>[] {
  return backends.map(([backend, weight]) => ({
    backend,
    weight,
    filters: [],
  }));
}

/** A route for all requests, split between backends. */
export function splitRoute(
  backends: readonly RouteBackend<never>[],
  rule: Partial<HttpRoute["rules"][number]> = {},
): HttpRoute {
  return {
    meta: META,
    hosts: [],
    rules: [{
      matches: [],
      filters: [],
      backends: { kind: "random", backends },
      timeouts: { requestMs: null, responseMs: null, idleMs: null },
      retry: null,
      allowsRequestFields: false,
      ...rule,
    }],
  };
}

/** A client policy for HTTP with these routes. */
export function httpPolicy(...routes: readonly HttpRoute[]): ClientPolicy {
  return {
    parent: META,
    protocol: { kind: "http1", http: { routes, accrual: null } },
  };
}

/** A client policy that detects, and sends all to one backend. */
export function detectPolicy(backend: Backend): ClientPolicy {
  const all = weighted([backend, 1]);
  return {
    parent: META,
    protocol: {
      kind: "detect",
      timeoutMs: 1_000,
      http: { routes: [splitRoute(all)], accrual: null },
      opaque: opaqueRoute(all),
    },
  };
}

/** A client policy that does not parse, and sends all to one backend. */
export function opaquePolicy(backend: Backend): ClientPolicy {
  return {
    parent: META,
    protocol: { kind: "opaque", opaque: opaqueRoute(weighted([backend, 1])) },
  };
}

/** A route for bytes, split between backends. */
export function opaqueRoute(
  backends: readonly RouteBackend<never>[],
): OpaqueRoute {
  return {
    meta: META,
    rule: { filters: [], backends: { kind: "random", backends } },
  };
}

/** An authorization named after its networks, `net` or `net!hole`. */
export function authorization(
  networks: readonly string[],
  authentication: Authentication = { kind: "unauthenticated" },
): Authorization {
  return {
    networks: networks.map((text) => {
      const [network = "", ...except] = text.split("!");
      return {
        network: parseNetwork(network),
        except: except.map(parseNetwork),
      };
    }),
    authentication,
    meta: { group: "", kind: "default", name: networks.join(",") },
  };
}

/** A Server that permits by these authorizations. */
export function serverPolicy(
  authorizations: readonly Authorization[],
  kind: ServerProtocol["kind"] = "detect",
): ServerPolicy {
  return {
    protocol: kind === "detect" ? { kind, timeoutMs: 1_000 } : { kind },
    authorizations,
    meta: { group: "policy.linkerd.io", kind: "server", name: "test" },
  };
}
