import { LABELS } from "../../schemas/names.ts";
import type { KubeObject } from "./objects.ts";

/** A Service as the node and the name files need it. */
export interface ServiceView {
  readonly name: string;
  readonly namespace: string;
  /** Null: headless, or not of type ClusterIP. */
  readonly clusterIp: string | null;
  readonly ports: readonly ServicePortView[];
  /** Addresses of ready endpoints. */
  readonly ready: readonly string[];
}

export interface ServicePortView {
  readonly port: number;
  /** `ip:port` of every ready endpoint. */
  readonly endpoints: readonly string[];
}

/** The Services among the objects of a folder, each with its ready endpoints. */
export function readServices(objects: readonly KubeObject[]): ServiceView[] {
  const slices = objects.filter(({ kind }) => kind === "EndpointSlice");
  return objects.filter(({ kind }) => kind === "Service").map((service) => {
    const { name, namespace = "default" } = service.metadata;
    const spec = service["spec"] as Spec | undefined;
    const own = slices.filter(({ metadata }) =>
      metadata.labels?.[LABELS.serviceName] === name &&
      (metadata.namespace ?? "default") === namespace
    ) as unknown as Slice[];
    const clusterIp = spec?.clusterIP;
    return {
      name,
      namespace,
      clusterIp: clusterIp === undefined || clusterIp === "None"
        ? null
        : clusterIp,
      ports: (spec?.ports ?? []).map((port) => ({
        port: port.port,
        endpoints: own.flatMap((slice) => endpointsOf(slice, port.name ?? "")),
      })),
      ready: [...new Set(own.flatMap(readyAddresses))],
    };
  });
}

/** A Service port selects the slice port of the same name, whatever the numbers. */
function endpointsOf(slice: Slice, portName: string): string[] {
  const port = slice.ports?.find(({ name }) => (name ?? "") === portName)?.port;
  if (port === undefined) return [];
  return readyAddresses(slice).map((ip) => `${ip}:${port}`);
}

function readyAddresses(slice: Slice): string[] {
  return (slice.endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready !== false)
    .flatMap(({ addresses }) => addresses.slice(0, 1));
}

interface Spec {
  readonly clusterIP?: string;
  readonly ports?: readonly { readonly name?: string; readonly port: number }[];
}

interface Slice {
  readonly ports?: readonly {
    readonly name?: string;
    readonly port?: number;
  }[];
  readonly endpoints?: readonly {
    readonly addresses: readonly string[];
    readonly conditions?: { readonly ready?: boolean };
  }[];
}
