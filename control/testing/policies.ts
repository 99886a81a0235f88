import type {
  Authorization,
  InboundHttpRoute,
  ServerPolicy,
  ServerProtocol,
} from "../../schemas/policy.ts";
import { formatIp } from "../../schemas/address.ts";
import { createIndex, type Index } from "../index/fold.ts";
import { serverPolicyOf } from "../index/server-policy.ts";
import { createSettings, type Settings } from "../index/settings.ts";
import { applies, podManifest } from "./objects.ts";

/** Manifests of policies in namespace `shop`, each with the spec that it is given. */
type Fields = Readonly<Record<string, unknown>>;

/** The group of Linkerd's policies, as references need it. */
export const POLICY_GROUP = "policy.linkerd.io";

/** The group of Gateway API. */
export const GATEWAY_GROUP = "gateway.networking.k8s.io";

const VERSIONS: Readonly<Record<string, string>> = {
  ServerAuthorization: `${POLICY_GROUP}/v1beta1`,
  HTTPRoute: `${POLICY_GROUP}/v1beta3`,
  GRPCRoute: `${GATEWAY_GROUP}/v1`,
};

/** A policy of a kind; `more` replaces the apiVersion or adds to the metadata. */
export function policyManifest(
  kind: string,
  name: string,
  spec: unknown,
  { apiVersion, ...metadata }: Fields = {},
): Fields {
  return {
    apiVersion: apiVersion ?? VERSIONS[kind] ?? `${POLICY_GROUP}/v1alpha1`,
    kind,
    metadata: { name, namespace: "shop", ...metadata },
    spec,
  };
}

/** An AuthorizationPolicy about a Server, or whatever target is given, that asks for these. */
export function authorizationManifest(
  name: string,
  target: string | Fields,
  refs: readonly Fields[],
  more: Fields = {},
): Fields {
  const targetRef = typeof target === "string"
    ? { group: POLICY_GROUP, kind: "Server", name: target }
    : target;
  const spec = { targetRef, requiredAuthenticationRefs: refs };
  return policyManifest("AuthorizationPolicy", name, spec, more);
}

/** A route on Servers, with rules. */
export function routeManifest(
  kind: "HTTPRoute" | "GRPCRoute",
  name: string,
  servers: readonly string[],
  rules: unknown,
  { hostnames, ...more }: Fields = {},
): Fields {
  const parentRefs = servers.map((server) => ({
    group: POLICY_GROUP,
    kind: "Server",
    name: server,
  }));
  return policyManifest(kind, name, { hostnames, parentRefs, rules }, more);
}

/** References to authentications. */
export function meshRef(name: string, more: Fields = {}): Fields {
  return { group: POLICY_GROUP, kind: "MeshTLSAuthentication", name, ...more };
}
export function networkRef(name: string, more: Fields = {}): Fields {
  return { group: POLICY_GROUP, kind: "NetworkAuthentication", name, ...more };
}

/** An index that knows Pod `shop/a`, labelled `app: web`, and these. */
export function indexOf(
  manifests: readonly Fields[],
  settings: Partial<Settings> = {},
): Index {
  const index = createIndex(createSettings(settings));
  index.apply(applies(podManifest("a", "10.1.0.1"), ...manifests));
  return index;
}

/** What a proxy is told of port 8080 of Pod `shop/a`. */
export function policyOf(index: Index, port = 8080): ServerPolicy {
  const pod = { namespace: "shop", name: "a" };
  const policy = serverPolicyOf({ pod, port }, index);
  if (policy === null) throw new Error("the Pod is not known");
  return policy;
}

/** Authorizations as lines: `name: networks | clients`. */
export function linesOf(authorizations: readonly Authorization[]): string[] {
  return authorizations.map(({ meta, networks, authentication }) => {
    const nets = networks.map(({ network, except }) => {
      const text = (one: typeof network) =>
        `${formatIp(one.base)}/${one.prefixBits}`;
      return [network, ...except].map(text).join("!");
    });
    const clients = authentication.kind === "identities"
      ? [
        ...authentication.identities,
        ...authentication.suffixes.map((suffix) => `*${suffix}`),
      ].join(",")
      : authentication.kind;
    const where = nets.join(",") === "0.0.0.0/0,::/0" ? "all" : nets.join(",");
    return `${meta.name}: ${where} | ${clients}`;
  });
}

/** HTTP routes of a policy; none where nothing is parsed. */
export function httpRoutesOf(
  { protocol }: ServerPolicy,
): readonly InboundHttpRoute[] {
  return "routes" in protocol && protocol.kind !== "grpc"
    ? protocol.routes ?? []
    : [];
}

/** Names of the routes of a policy, whatever its protocol. */
export function routeNames(protocol: ServerProtocol): string[] {
  const routes = "routes" in protocol ? protocol.routes ?? [] : [];
  return routes.map(({ meta }) =>
    meta.kind === "default" ? meta.name : meta.resource.name
  );
}
