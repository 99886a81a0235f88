import type { Static } from "typebox";
import type {
  MeshTlsAuthenticationSchema,
  NetworkAuthenticationSchema,
} from "./kube/authentication.ts";
import type {
  AuthorizationPolicySchema,
  ServerAuthorizationSchema,
} from "./kube/authorization.ts";
import type { EgressNetworkSchema } from "./kube/egress-network.ts";
import type { EndpointSliceSchema } from "./kube/endpoint-slice.ts";
import type { ExternalWorkloadSchema } from "./kube/external-workload.ts";
import type { NamespaceSchema } from "./kube/namespace.ts";
import type { PodSchema } from "./kube/pod.ts";
import type { RateLimitSchema } from "./kube/rate-limit.ts";
import type { ReferenceGrantSchema } from "./kube/reference-grant.ts";
import type {
  GrpcRouteSchema,
  HttpRouteSchema,
  TcpRouteSchema,
  TlsRouteSchema,
} from "./kube/route.ts";
import type { SelectorSchema, ServerSchema } from "./kube/server.ts";
import type { ServiceImportSchema } from "./kube/service-import.ts";
import type { ServiceProfileSchema } from "./kube/service-profile.ts";
import type { ServiceSchema } from "./kube/service.ts";

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
