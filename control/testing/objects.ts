import type { KubeObject } from "../../schemas/kube.ts";
import { parseManifest } from "../../schemas/kube/manifest.ts";
import type { ObjectEvent } from "../source.ts";

/** Manifests for tests: as small as they can be, and each part replaceable. */
type Fields = Readonly<Record<string, unknown>>;

/** A Service in namespace `shop` with one HTTP port. */
export function serviceManifest(
  name: string,
  clusterIP: string,
  { spec = {}, ...metadata }: { readonly spec?: Fields } & Fields = {},
): Fields {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "shop", ...metadata },
    spec: { clusterIP, ports: [{ name: "http", port: 80 }], ...spec },
  };
}

/** A meshed Pod in namespace `shop` that runs as service account `default`. */
export function podManifest(
  name: string,
  podIP: string,
  { spec = {}, status = {}, ...metadata }:
    & { readonly spec?: Fields; readonly status?: Fields }
    & Fields = {},
): Fields {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace: "shop",
      labels: { app: "web", "linkerd.io/control-plane-ns": "linkerd" },
      ...metadata,
    },
    spec: {
      containers: [{
        name: "app",
        ports: [{ name: "http", containerPort: 8080 }],
      }],
      ...spec,
    },
    status: { phase: "Running", podIP, ...status },
  };
}

/** A slice of a Service's endpoints: each the name of a Pod and its address, or an address alone. */
export function sliceManifest(
  service: string,
  endpoints: readonly (readonly [pod: string | null, ip: string, Fields?])[],
  more: Fields = {},
): Fields {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: `${service}-1`,
      namespace: "shop",
      labels: { "kubernetes.io/service-name": service },
    },
    addressType: "IPv4",
    ports: [{ name: "http", port: 8080 }],
    endpoints: endpoints.map(([pod, ip, fields = {}]) => ({
      addresses: [ip],
      conditions: { ready: true },
      ...pod === null ? {} : { targetRef: { kind: "Pod", name: pod } },
      ...fields,
    })),
    ...more,
  };
}

/** A Server in namespace `shop` about port 8080 of the Pods labelled `app: web`. */
export function serverManifest(
  name: string,
  { spec = {}, ...metadata }: { readonly spec?: Fields } & Fields = {},
): Fields {
  return {
    apiVersion: "policy.linkerd.io/v1beta3",
    kind: "Server",
    metadata: { name, namespace: "shop", ...metadata },
    spec: {
      podSelector: { matchLabels: { app: "web" } },
      port: 8080,
      accessPolicy: "all-unauthenticated",
      ...spec,
    },
  };
}

/** The object that a manifest means. */
export function objectOf(manifest: Fields): KubeObject {
  const reading = parseManifest(manifest);
  if (reading.kind === "object") return reading.object;
  throw new Error(`a manifest of the mesh was expected, not ${reading.kind}`);
}

/** Events that make manifests known. */
export function applies(...manifests: readonly Fields[]): ObjectEvent[] {
  return manifests.map((manifest) => ({
    kind: "apply",
    object: objectOf(manifest),
  }));
}

/** Events that end them. */
export function deletes(...manifests: readonly Fields[]): ObjectEvent[] {
  return manifests.map((manifest) => ({
    kind: "delete",
    object: objectOf(manifest),
  }));
}
