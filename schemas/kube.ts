import type { Static } from "typebox";
import {
  MeshTlsAuthenticationSchema,
  NetworkAuthenticationSchema,
} from "./kube/authentication.ts";
import {
  AuthorizationPolicySchema,
  ServerAuthorizationSchema,
} from "./kube/authorization.ts";
import { checkObject } from "./kube/check.ts";
import { EgressNetworkSchema } from "./kube/egress-network.ts";
import { EndpointSliceSchema } from "./kube/endpoint-slice.ts";
import {
  ExternalWorkloadSchema,
  OldExternalWorkloadSchema,
} from "./kube/external-workload.ts";
import { FieldProblem } from "./kube/field-problem.ts";
import { NamespaceSchema } from "./kube/namespace.ts";
import { groupOf, isServer, parentKindOf } from "./kube/parents.ts";
import { PodSchema } from "./kube/pod.ts";
import { RateLimitSchema } from "./kube/rate-limit.ts";
import { ReferenceGrantSchema } from "./kube/reference-grant.ts";
import {
  GrpcRouteSchema,
  HttpRouteSchema,
  RouteStubSchema,
  TcpRouteSchema,
  TlsRouteSchema,
} from "./kube/route.ts";
import {
  type SelectorSchema,
  ServerSchema,
  ServerStubSchema,
} from "./kube/server.ts";
import { ServiceImportSchema } from "./kube/service-import.ts";
import { ServiceProfileSchema } from "./kube/service-profile.ts";
import { ServiceSchema } from "./kube/service.ts";
import { isUnsupported } from "./kube/unsupported.ts";
import { createValidator, fieldProblem } from "./kube/validate.ts";

/** Read-only all the way down: objects are shared between indexes and snapshots. */
type Immutable<T> = T extends object
  ? { readonly [Key in keyof T]: Immutable<T[Key]> }
  : T;

/** An object that is in a namespace, which reading it has made sure of. */
type Placed<T> = Immutable<T> & {
  readonly metadata: { readonly namespace: string };
};

export type Namespace = Immutable<Static<typeof NamespaceSchema>>;
export type Service = Placed<Static<typeof ServiceSchema>>;
export type EndpointSlice = Placed<Static<typeof EndpointSliceSchema>>;
export type Pod = Placed<Static<typeof PodSchema>>;
export type ExternalWorkload = Placed<Static<typeof ExternalWorkloadSchema>>;
export type Server = Placed<Static<typeof ServerSchema>>;
export type Selector = Immutable<Static<typeof SelectorSchema>>;
export type ServerAuthorization = Placed<
  Static<typeof ServerAuthorizationSchema>
>;
export type AuthorizationPolicy = Placed<
  Static<typeof AuthorizationPolicySchema>
>;
export type MeshTlsAuthentication = Placed<
  Static<typeof MeshTlsAuthenticationSchema>
>;
export type NetworkAuthentication = Placed<
  Static<typeof NetworkAuthenticationSchema>
>;
export type RateLimitPolicy = Placed<Static<typeof RateLimitSchema>>;
export type ServiceProfile = Placed<Static<typeof ServiceProfileSchema>>;
export type HttpRoute = Unreadable & Placed<Static<typeof HttpRouteSchema>>;
export type GrpcRoute = Unreadable & Placed<Static<typeof GrpcRouteSchema>>;
export type Route = HttpRoute | GrpcRoute;
export type TlsRoute = Placed<Static<typeof TlsRouteSchema>>;
export type TcpRoute = Placed<Static<typeof TcpRouteSchema>>;
/** What can say how clients call something. */
export type OutboundRoute = Route | TlsRoute | TcpRoute;
export type ParentRef = NonNullable<Route["spec"]["parentRefs"]>[number];
export type ReferenceGrant = Placed<Static<typeof ReferenceGrantSchema>>;
export type ServiceImport = Placed<Static<typeof ServiceImportSchema>>;
export type EgressNetwork = Placed<Static<typeof EgressNetworkSchema>>;

/** Nobody can tell which requests the route is for: its Servers let none in. */
interface Unreadable {
  readonly isUnreadable?: true;
}

/** Who may call, and how often. */
export type Policy =
  | ServerAuthorization
  | AuthorizationPolicy
  | MeshTlsAuthentication
  | NetworkAuthentication
  | RateLimitPolicy
  | Route;

/** The Kubernetes objects that the mesh reads, with the fields that it reads and no others. */
export type KubeObject =
  | Namespace
  | Service
  | EndpointSlice
  | Pod
  | ExternalWorkload
  | Server
  | ServiceProfile
  | ServiceImport
  | EgressNetwork
  | ReferenceGrant
  | TlsRoute
  | TcpRoute
  | Policy;

/** What a manifest turned out to be. */
export type Reading =
  | { readonly kind: "object"; readonly object: KubeObject }
  | { readonly kind: "list"; readonly items: readonly unknown[] }
  /** A kind that the mesh has no use for. */
  | { readonly kind: "skipped" };

type Read<T> = (value: unknown, what: string) => T;

/** As `kubectl apply`: an object that names no namespace is in `default`. */
function placed<T extends { metadata: { namespace?: string } }>(
  read: Read<T>,
): Read<T & { metadata: { namespace: string } }> {
  return (value, what) => {
    const object = read(value, what);
    const namespace = object.metadata.namespace ?? "default";
    return { ...object, metadata: { ...object.metadata, namespace } };
  };
}

const readHttpRoute = placed(createValidator(HttpRouteSchema));
const readGrpcRoute = placed(createValidator(GrpcRouteSchema));
const readTlsRoute = placed(createValidator(TlsRouteSchema));
const readTcpRoute = placed(createValidator(TcpRouteSchema));
const ROUTE_READERS: ReadonlySet<unknown> = new Set([
  readHttpRoute,
  readGrpcRoute,
  readTlsRoute,
  readTcpRoute,
]);
const readRouteStub = placed(createValidator(RouteStubSchema));
const readServerStub = placed(createValidator(ServerStubSchema));

const readOldExternalWorkload = placed(
  createValidator(OldExternalWorkloadSchema),
);

/** By version and kind; policies by group and kind, as a version that we do not know must not be passed over. */
const READERS: Readonly<Record<string, Read<KubeObject>>> = {
  "v1/Namespace": createValidator(NamespaceSchema),
  "v1/Service": placed(createValidator(ServiceSchema)),
  "v1/Pod": placed(createValidator(PodSchema)),
  "discovery.k8s.io/v1/EndpointSlice": placed(
    createValidator(EndpointSliceSchema),
  ),
  "workload.linkerd.io/v1beta1/ExternalWorkload": placed(
    createValidator(ExternalWorkloadSchema),
  ),
  "workload.linkerd.io/v1alpha1/ExternalWorkload": (value, what) => {
    const { kind, metadata, spec } = readOldExternalWorkload(value, what);
    const { meshTls, ...rest } = spec;
    return {
      apiVersion: "workload.linkerd.io/v1beta1",
      kind,
      metadata,
      spec: { meshTLS: meshTls, ...rest },
    };
  },
  "policy.linkerd.io/Server": placed(createValidator(ServerSchema)),
  "policy.linkerd.io/ServerAuthorization": placed(
    createValidator(ServerAuthorizationSchema),
  ),
  "policy.linkerd.io/AuthorizationPolicy": placed(
    createValidator(AuthorizationPolicySchema),
  ),
  "policy.linkerd.io/MeshTLSAuthentication": placed(
    createValidator(MeshTlsAuthenticationSchema),
  ),
  "policy.linkerd.io/NetworkAuthentication": placed(
    createValidator(NetworkAuthenticationSchema),
  ),
  "policy.linkerd.io/HTTPLocalRateLimitPolicy": placed(
    createValidator(RateLimitSchema),
  ),
  "policy.linkerd.io/HTTPRoute": readHttpRoute,
  "linkerd.io/ServiceProfile": placed(createValidator(ServiceProfileSchema)),
  "gateway.networking.k8s.io/HTTPRoute": readHttpRoute,
  "policy.linkerd.io/EgressNetwork": placed(
    createValidator(EgressNetworkSchema),
  ),
  "gateway.networking.k8s.io/GRPCRoute": readGrpcRoute,
  "gateway.networking.k8s.io/TLSRoute": readTlsRoute,
  "gateway.networking.k8s.io/TCPRoute": readTcpRoute,
  "gateway.networking.k8s.io/ReferenceGrant": placed(
    createValidator(ReferenceGrantSchema),
  ),
  "multicluster.x-k8s.io/ServiceImport": placed(
    createValidator(ServiceImportSchema),
  ),
};

/**
 * Reads one manifest; fields we do not know are left out. Throws a `FieldProblem`: `manifest.invalid` when it cannot
 * mean anything, `manifest.unsupported` when it asks for what this version does not enforce.
 */
export function parseManifest(value: unknown): Reading {
  const { apiVersion, kind, items } = fieldsOf(value);
  if (typeof apiVersion !== "string" || typeof kind !== "string") {
    const field = typeof apiVersion !== "string" ? "apiVersion" : "kind";
    throw fieldProblem("a manifest", [field], undefined, "a string");
  }
  if (kind.endsWith("List") && Array.isArray(items)) {
    return { kind: "list", items };
  }
  const what = `${kind} ${nameOf(value)}`;
  const read = READERS[`${apiVersion}/${kind}`] ??
    READERS[`${groupOf(apiVersion)}/${kind}`];
  if (read === undefined) {
    if (!isUnsupported(apiVersion)) return { kind: "skipped" };
    throw new FieldProblem(
      "manifest.unsupported",
      ["kind"],
      `Cannot apply ${what}: this version does not enforce ${kind} (${apiVersion})`,
      { hint: "remove it from the folder; nothing else of its file is read" },
    );
  }
  if (ROUTE_READERS.has(read) && !isOurs(value, apiVersion, what)) {
    return { kind: "skipped" };
  }
  const object = read(value, what);
  checkObject(object, what);
  return { kind: "object", object };
}

/** Whether a route hangs on something of the mesh; one for a gateway is not ours. */
function isOurs(value: unknown, apiVersion: string, what: string): boolean {
  const { parentRefs = [] } = readRouteStub(value, what).spec;
  return parentRefs.some((parent) => parentKindOf(parent, apiVersion) !== null);
}

/**
 * What still holds of an object that `parseManifest` refuses and of which nothing else is known: a Server denies, and a
 * Server's route denies all of its requests. For sources that cannot keep such an object out; null for all others, as
 * what permits nobody is no risk.
 */
export function closeManifest(value: unknown): Server | Route | null {
  const { apiVersion, kind } = fieldsOf(value);
  if (typeof apiVersion !== "string") return null;
  try {
    switch (`${groupOf(apiVersion)}/${String(kind)}`) {
      case "policy.linkerd.io/Server": {
        const { metadata, spec } = readServerStub(value, "Server");
        return {
          apiVersion: "policy.linkerd.io/v1beta3",
          kind: "Server",
          metadata,
          spec: { ...spec, accessPolicy: "deny" },
        };
      }
      case "policy.linkerd.io/HTTPRoute":
      case "gateway.networking.k8s.io/HTTPRoute":
      case "gateway.networking.k8s.io/GRPCRoute":
        return closeRoute(value, apiVersion, kind === "GRPCRoute");
      default:
        return null;
    }
  } catch (thrown) {
    if (thrown instanceof FieldProblem) return null;
    throw thrown;
  }
}

function closeRoute(
  value: unknown,
  version: string,
  isGrpc: boolean,
): Route | null {
  const { metadata, spec } = readRouteStub(value, "route");
  const parentRefs = spec.parentRefs ?? [];
  if (!parentRefs.some((parent) => isServer(parent, version))) return null;
  const stub = { metadata, spec: { parentRefs }, isUnreadable: true } as const;
  const gateway = "gateway.networking.k8s.io/v1";
  if (isGrpc) return { apiVersion: gateway, kind: "GRPCRoute", ...stub };
  const apiVersion = version.startsWith("policy.")
    ? "policy.linkerd.io/v1beta3"
    : gateway;
  return { apiVersion, kind: "HTTPRoute", ...stub };
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null
    ? value as Readonly<Record<string, unknown>>
    : {};
}

function nameOf(value: unknown): string {
  const { name, namespace } = (value as {
    metadata?: { name?: unknown; namespace?: unknown } | null;
  }).metadata ?? {};
  const text = typeof name === "string" ? name : "without a name";
  return typeof namespace === "string" ? `${namespace}/${text}` : text;
}
