import { groupOf, MULTICLUSTER } from "../../schemas/kube/parents.ts";

/** A kind of object as the API server serves it; `list` items come without these two. */
export interface Resource {
  readonly apiVersion: string;
  readonly kind: string;
  /** Name in paths. */
  readonly plural: string;
  /** Versions that a server may have instead, in the order in which they are tried. */
  readonly others?: readonly string[];
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
  [`${POLICY}/v1alpha1`, "EgressNetwork", "egressnetworks"],
  ["linkerd.io/v1alpha2", "ServiceProfile", "serviceprofiles"],
  [`${GATEWAY}/v1`, "HTTPRoute", "httproutes"],
  [`${GATEWAY}/v1`, "GRPCRoute", "grpcroutes"],
  // Which of these a cluster has depends on the release of its Gateway API, and on its channel.
  [`${GATEWAY}/v1`, "TLSRoute", "tlsroutes", "v1alpha3", "v1alpha2"],
  [`${GATEWAY}/v1`, "TCPRoute", "tcproutes", "v1alpha2"],
  [`${GATEWAY}/v1`, "ReferenceGrant", "referencegrants", "v1beta1"],
  [`${MULTICLUSTER}/v1beta1`, "ServiceImport", "serviceimports", "v1alpha1"],
] as const).map(([apiVersion, kind, plural, ...others]) => ({
  apiVersion,
  kind,
  plural,
  others: others.map((version) => `${groupOf(apiVersion)}/${version}`),
}));

/** A resource in each version in which a server may have it. */
export function versionsOf(
  resource: Resource,
): [Resource, ...Resource[]] {
  return [
    resource,
    ...(resource.others ?? []).map((apiVersion) => ({
      ...resource,
      apiVersion,
    })),
  ];
}

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
