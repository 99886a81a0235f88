import { serverManifest } from "../../control/testing/objects.ts";
import {
  authorizationManifest,
  meshRef,
  networkRef,
  POLICY_GROUP,
  policyManifest,
  routeManifest,
} from "../../control/testing/policies.ts";
import type { Caller } from "../../proxy/authorize.ts";

type Manifest = ReturnType<typeof serverManifest>;

const idOf = (account: string, namespace: string, domain: string): string =>
  `${account}.${namespace}.serviceaccount.identity.linkerd.${domain}`;

/** Who calls: without TLS, meshed in the Server's namespace, elsewhere, under another trust domain; outside the cluster. */
export const CALLERS = {
  plain: { ip: "10.1.0.7", tls: null },
  same: { ip: "10.1.0.8", tls: { id: idOf("web", "shop", "cluster.local") } },
  elsewhere: {
    ip: "10.1.0.9",
    tls: { id: idOf("api", "other", "cluster.local") },
  },
  foreign: { ip: "10.1.0.10", tls: { id: idOf("web", "shop", "other.local") } },
  outside: { ip: "203.0.113.9", tls: null },
} as const satisfies Readonly<Record<string, Caller>>;

export type CallerName = keyof typeof CALLERS;
export const CALLER_NAMES = Object.keys(CALLERS) as readonly CallerName[];

const EVERYBODY = CALLER_NAMES;
const INSIDE: readonly CallerName[] = ["plain", "same", "elsewhere", "foreign"];
const MESHED: readonly CallerName[] = ["same", "elsewhere", "foreign"];

/** Whom each default policy and access policy lets in (facts 5.4 and 4.1). */
export const MODES = {
  "all-unauthenticated": EVERYBODY,
  "all-authenticated": MESHED,
  "cluster-unauthenticated": INSIDE,
  "cluster-authenticated": MESHED,
  "deny": [],
  "audit": EVERYBODY,
} as const satisfies Readonly<Record<string, readonly CallerName[]>>;

export type Mode = keyof typeof MODES;
export const MODE_NAMES = Object.keys(MODES) as readonly Mode[];

/** Objects about the port of Pod `shop/a`, and whom they let in. */
export interface Row {
  readonly name: string;
  readonly manifests: readonly Manifest[];
  /** Null: whom the default policy does. */
  readonly permitted: readonly CallerName[] | null;
  /** For bytes that are not HTTP, when that differs. */
  readonly bytes?: readonly CallerName[];
}

const SERVER = serverManifest("web", { spec: { accessPolicy: undefined } });
const ANYWHERE = [{ cidr: "0.0.0.0/0" }, { cidr: "::/0" }];

function serverAuthorization(
  name: string,
  client: Readonly<Record<string, unknown>>,
  permitted: readonly CallerName[],
  server: unknown = { name: "web" },
): Row {
  const spec = { server, client };
  return {
    name: `ServerAuthorization ${name}`,
    manifests: [SERVER, policyManifest("ServerAuthorization", "some", spec)],
    permitted,
  };
}

function mesh(spec: unknown): Manifest {
  return policyManifest("MeshTLSAuthentication", "mesh", spec);
}

function network(networks: readonly unknown[]): Manifest {
  return policyManifest("NetworkAuthentication", "network", { networks });
}

function authorizationPolicy(
  name: string,
  objects: readonly Manifest[],
  refs: Parameters<typeof authorizationManifest>[2],
  permitted: readonly CallerName[],
  target: Parameters<typeof authorizationManifest>[1] = "web",
): Row {
  return {
    name: `AuthorizationPolicy ${name}`,
    manifests: [
      SERVER,
      ...objects,
      authorizationManifest("some", target, refs),
    ],
    permitted,
  };
}

const account = (name: string, namespace?: string) => ({
  kind: "ServiceAccount",
  name,
  ...(namespace === undefined ? {} : { namespace }),
});
const identities = (...names: readonly string[]) => mesh({ identities: names });
const refs = (...of: readonly unknown[]) => mesh({ identityRefs: of });
const [MESH, NETWORK] = [meshRef("mesh"), networkRef("network")];
const everyPath = [{ matches: [{ path: { value: "/" } }] }];

/** No Server, a Server with each access policy, and a Server with each kind of authorization. */
export const ROWS: readonly Row[] = [
  { name: "no Server", manifests: [], permitted: null },
  { name: "Server", manifests: [SERVER], permitted: [] },
  ...MODE_NAMES.map((mode): Row => ({
    name: `Server ${mode}`,
    manifests: [serverManifest("web", { spec: { accessPolicy: mode } })],
    permitted: MODES[mode],
  })),
  serverAuthorization("of anybody", { unauthenticated: true }, INSIDE),
  serverAuthorization("of anybody anywhere", {
    unauthenticated: true,
    networks: ANYWHERE,
  }, EVERYBODY),
  serverAuthorization("of TLS", {
    meshTLS: { unauthenticatedTLS: true },
    networks: ANYWHERE,
  }, MESHED),
  serverAuthorization("of any identity", {
    meshTLS: { identities: ["*"] },
  }, MESHED),
  serverAuthorization("of a domain", {
    meshTLS: { identities: ["*.cluster.local"] },
  }, ["same", "elsewhere"]),
  serverAuthorization("of an identity", {
    meshTLS: { identities: [CALLERS.foreign.tls.id] },
  }, ["foreign"]),
  serverAuthorization("of a service account", {
    meshTLS: { serviceAccounts: [{ name: "web" }] },
  }, ["same"]),
  serverAuthorization("of one elsewhere", {
    meshTLS: { serviceAccounts: [{ name: "api", namespace: "other" }] },
  }, ["elsewhere"]),
  serverAuthorization("by network", {
    unauthenticated: true,
    networks: [{ cidr: "10.1.0.0/28", except: ["10.1.0.8/31"] }],
  }, ["plain", "foreign"]),
  serverAuthorization(
    "by labels",
    { unauthenticated: true },
    [],
    { selector: { matchLabels: { app: "another" } } },
  ),
  authorizationPolicy("of anybody", [], [], EVERYBODY),
  authorizationPolicy("of any identity", [identities("*")], [MESH], MESHED),
  authorizationPolicy("of a wildcard", [identities("*.other.local")], [MESH], [
    "foreign",
  ]),
  authorizationPolicy(
    "of a longer wildcard",
    [identities("*.shop.serviceaccount.identity.linkerd.cluster.local")],
    [MESH],
    ["same"],
  ),
  authorizationPolicy(
    "of accounts",
    [
      refs(account("web"), account("api", "other")),
    ],
    [MESH],
    ["same", "elsewhere"],
  ),
  authorizationPolicy(
    "of a namespace",
    [refs({ kind: "Namespace", name: "other" })],
    [MESH],
    ["elsewhere"],
  ),
  authorizationPolicy("of an account itself", [], [account("web")], ["same"]),
  authorizationPolicy("by network", [network([{ cidr: "203.0.113.0/24" }])], [
    NETWORK,
  ], ["outside"]),
  authorizationPolicy(
    "by identity and network",
    [
      identities("*"),
      network([{ cidr: "10.0.0.0/8", except: ["10.1.0.8"] }]),
    ],
    [MESH, NETWORK],
    ["elsewhere", "foreign"],
  ),
  authorizationPolicy("that names what is not there", [], [MESH], []),
  authorizationPolicy(
    "of the namespace",
    [],
    [account("web")],
    ["same"],
    { kind: "Namespace", name: "shop" },
  ),
  {
    ...authorizationPolicy(
      "of a route",
      [routeManifest("HTTPRoute", "every", ["web"], everyPath)],
      [account("api", "other")],
      ["elsewhere"],
      { group: POLICY_GROUP, kind: "HTTPRoute", name: "every" },
    ),
    bytes: [],
  },
  {
    name: "two AuthorizationPolicies",
    manifests: [
      SERVER,
      authorizationManifest("one", "web", [account("web")]),
      authorizationManifest("two", "web", [account("api", "other")]),
    ],
    permitted: ["same", "elsewhere"],
  },
];
