import { parseNetwork } from "../../schemas/address.ts";
import type {
  Authentication,
  Authorization,
  ClientPolicy,
  ClientRoute,
  ServerPolicy,
  ServerProtocol,
} from "../../schemas/policy.ts";
import { endpointAt } from "./endpoints.ts";

const META = { kind: "default", name: "test" } as const;

/** A route to the endpoints of a name. */
export function routeTo(path: string): ClientRoute {
  const load = { defaultRttMs: 30, decayMs: 10_000 };
  return {
    meta: META,
    outcome: {
      kind: "backend",
      backend: { kind: "balancer", meta: META, path, load },
    },
  };
}

/** A route to one address. */
export function routeToAddress(ip: string, port = 80): ClientRoute {
  return {
    meta: META,
    outcome: {
      kind: "backend",
      backend: { kind: "forward", meta: META, endpoint: endpointAt(ip, port) },
    },
  };
}

/** A client policy that detects, with one route for all. */
export function detectPolicy(route: ClientRoute): ClientPolicy {
  return {
    parent: META,
    protocol: { kind: "detect", timeoutMs: 1_000, http: route, opaque: route },
  };
}

/** A client policy that does not parse. */
export function opaquePolicy(route: ClientRoute): ClientPolicy {
  return { parent: META, protocol: { kind: "opaque", opaque: route } };
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
