import type { KubeObject } from "../kube.ts";
import {
  MeshTlsAuthenticationSchema,
  NetworkAuthenticationSchema,
} from "./authentication.ts";
import {
  AuthorizationPolicySchema,
  ServerAuthorizationSchema,
} from "./authorization.ts";
import { EgressNetworkSchema } from "./egress-network.ts";
import { EndpointSliceSchema } from "./endpoint-slice.ts";
import {
  ExternalWorkloadSchema,
  OldExternalWorkloadSchema,
} from "./external-workload.ts";
import { NamespaceSchema } from "./namespace.ts";
import { PodSchema } from "./pod.ts";
import { RateLimitSchema } from "./rate-limit.ts";
import { ReferenceGrantSchema } from "./reference-grant.ts";
import {
  GrpcRouteSchema,
  HttpRouteSchema,
  RouteStubSchema,
  TcpRouteSchema,
  TlsRouteSchema,
} from "./route.ts";
import { ServerSchema, ServerStubSchema } from "./server.ts";
import { ServiceImportSchema } from "./service-import.ts";
import { ServiceProfileSchema } from "./service-profile.ts";
import { ServiceSchema } from "./service.ts";
import { createValidator } from "./validate.ts";

/** Keeps the fields that the mesh reads; throws `manifest.invalid` at the first wrong one. `what` is for the message. */
export type Read<T> = (value: unknown, what: string) => T;

const readHttpRoute = placed(createValidator(HttpRouteSchema));

const readOldExternalWorkload = placed(
  createValidator(OldExternalWorkloadSchema),
);

/** By version and kind; policies by group and kind, as a version that we do not know must not be passed over. */
export const READERS: Readonly<Record<string, Read<KubeObject>>> = {
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
  "linkerd.io/ServiceProfile": placed(createValidator(ServiceProfileSchema)),
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
  "policy.linkerd.io/EgressNetwork": placed(
    createValidator(EgressNetworkSchema),
  ),
  "policy.linkerd.io/HTTPRoute": readHttpRoute,
  "gateway.networking.k8s.io/HTTPRoute": readHttpRoute,
  "gateway.networking.k8s.io/GRPCRoute": placed(
    createValidator(GrpcRouteSchema),
  ),
  "gateway.networking.k8s.io/TLSRoute": placed(createValidator(TlsRouteSchema)),
  "gateway.networking.k8s.io/TCPRoute": placed(createValidator(TcpRouteSchema)),
  "gateway.networking.k8s.io/ReferenceGrant": placed(
    createValidator(ReferenceGrantSchema),
  ),
  "multicluster.x-k8s.io/ServiceImport": placed(
    createValidator(ServiceImportSchema),
  ),
};

/** Reads what of a route says where it belongs, however unreadable the rest of it is. */
export const readRouteStub = placed(createValidator(RouteStubSchema));
/** Reads what of a Server says which ports it is about. */
export const readServerStub = placed(createValidator(ServerStubSchema));

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
