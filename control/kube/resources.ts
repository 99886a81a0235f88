/** A kind of object as the API server serves it; `list` items come without these two. */
export interface Resource {
  readonly apiVersion: string;
  readonly kind: string;
  /** Name in paths. */
  readonly plural: string;
}

const POLICY = "policy.linkerd.io";
const GATEWAY = "gateway.networking.k8s.io";

/** What the mesh reads, of every namespace; each in the version that its CRD of ours stores. */
export const RESOURCES: readonly Resource[] = ([
  ["v1", "Namespace", "namespaces"],
  ["v1", "Pod", "pods"],
  ["v1", "Service", "services"],
  ["discovery.k8s.io/v1", "EndpointSlice", "endpointslices"],
  ["workload.linkerd.io/v1beta1", "ExternalWorkload", "externalworkloads"],
  [`${POLICY}/v1beta3`, "Server", "servers"],
  [`${POLICY}/v1beta1`, "ServerAuthorization", "serverauthorizations"],
  [`${POLICY}/v1alpha1`, "AuthorizationPolicy", "authorizationpolicies"],
  [`${POLICY}/v1alpha1`, "MeshTLSAuthentication", "meshtlsauthentications"],
  [`${POLICY}/v1alpha1`, "NetworkAuthentication", "networkauthentications"],
  [
    `${POLICY}/v1alpha1`,
    "HTTPLocalRateLimitPolicy",
    "httplocalratelimitpolicies",
  ],
  [`${POLICY}/v1beta3`, "HTTPRoute", "httproutes"],
  ["linkerd.io/v1alpha2", "ServiceProfile", "serviceprofiles"],
  [`${GATEWAY}/v1`, "HTTPRoute", "httproutes"],
  [`${GATEWAY}/v1`, "GRPCRoute", "grpcroutes"],
] as const).map(([apiVersion, kind, plural]) => ({ apiVersion, kind, plural }));

/** Where the objects of all namespaces are. */
export function pathOf({ apiVersion, plural }: Resource): string {
  return `/${
    apiVersion.includes("/") ? "apis" : "api"
  }/${apiVersion}/${plural}`;
}

/** As `kubectl get` takes it: the plural, with the group if there is one. */
export function nameOf({ apiVersion, plural }: Resource): string {
  const [group, version] = apiVersion.split("/");
  return version === undefined ? plural : `${plural}.${group}`;
}
