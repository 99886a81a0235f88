/** A kind of object as the API server serves it; `list` items come without these two. */
export interface Resource {
  readonly apiVersion: string;
  readonly kind: string;
  /** Name in paths. */
  readonly plural: string;
}

/** What the mesh reads, of every namespace. */
export const RESOURCES: readonly Resource[] = [
  { apiVersion: "v1", kind: "Namespace", plural: "namespaces" },
  { apiVersion: "v1", kind: "Pod", plural: "pods" },
  { apiVersion: "v1", kind: "Service", plural: "services" },
  {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    plural: "endpointslices",
  },
  {
    apiVersion: "policy.linkerd.io/v1beta3",
    kind: "Server",
    plural: "servers",
  },
];

/** Where the objects of all namespaces are. */
export function pathOf({ apiVersion, plural }: Resource): string {
  return `/${
    apiVersion.includes("/") ? "apis" : "api"
  }/${apiVersion}/${plural}`;
}
