import type {
  ClientPolicy,
  ClientRoute,
  Distribution,
} from "../../schemas/client-policy.ts";
import type { Meta } from "../../schemas/policy.ts";
import { clientPolicyOf } from "../index/client-policy.ts";
import type { Index } from "../index/fold.ts";
import { policyManifest } from "./policies.ts";

/** Manifests of routes for clients, and what proxies are told because of them. */
type Fields = Readonly<Record<string, unknown>>;

const GATEWAY = "gateway.networking.k8s.io";

/** The kinds that routes of requests have: Gateway API's two, and Linkerd's own. */
export const HTTP_KINDS = [
  ["HTTPRoute", `${GATEWAY}/v1`],
  ["HTTPRoute", "policy.linkerd.io/v1beta3"],
  ["GRPCRoute", `${GATEWAY}/v1`],
] as const;

/** A reference to Service `web` as a parent. */
export const WEB = { group: "", kind: "Service", name: "web" };

/** A route of namespace `shop`; `more` replaces the apiVersion or the namespace, or adds to the metadata. */
export function clientRoute(
  kind: "HTTPRoute" | "GRPCRoute" | "TLSRoute" | "TCPRoute",
  name: string,
  rules: readonly unknown[] | undefined,
  { parentRefs = [WEB], hostnames, ...more }: Fields = {},
): Fields {
  const version = kind === "HTTPRoute" || kind === "GRPCRoute"
    ? "v1"
    : "v1alpha2";
  const spec = {
    parentRefs,
    ...rules === undefined ? {} : { rules },
    ...hostnames === undefined ? {} : { hostnames },
  };
  return policyManifest(kind, name, spec, {
    apiVersion: `${GATEWAY}/${version}`,
    ...more,
  });
}

/** What a client of a namespace is told of port 80 of an address. */
export function toldOf(
  index: Index,
  { ip = "10.43.0.1", port = 80, clientNamespace = "shop" } = {},
): ClientPolicy {
  const query = { kind: "address", ip, port, clientNamespace } as const;
  const policy = clientPolicyOf(query, index);
  if (policy === null) throw new Error(`${ip}:${port} is not known`);
  return policy;
}

type AnyRoute = ClientRoute<unknown, unknown, unknown>;

/** The routes of requests, of whichever protocol. */
export function requestRoutes({ protocol }: ClientPolicy): readonly AnyRoute[] {
  switch (protocol.kind) {
    case "detect":
    case "http1":
    case "http2":
      return protocol.http.routes;
    case "grpc":
      return protocol.grpc.routes;
    case "opaque":
    case "tls":
      return [];
  }
}

/** Names of the routes of requests; a default route has its own. */
export function routesTold(policy: ClientPolicy): string[] {
  return requestRoutes(policy).map(({ meta }) => nameOf(meta));
}

/** Where a distribution sends, as lines: `first web:80`, `9 web-2:8080`, `1 nowhere gone:80`. */
export function linesOfBackends(
  { kind, backends }: Distribution<unknown>,
): string[] {
  return backends.map(({ backend, weight }) => {
    const share = kind === "first" ? kind : `${weight}`;
    switch (backend.kind) {
      case "balancer":
        return `${share} ${backend.path}`;
      case "forward": {
        const { ip, port } = backend.endpoint.address;
        return `${share} ${ip}:${port}`;
      }
      case "nowhere":
        return `${share} nowhere ${nameOf(backend.meta)}`;
    }
  });
}

export function nameOf(meta: Meta): string {
  return meta.kind === "default" ? meta.name : meta.resource.name;
}
