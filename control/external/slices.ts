import { isIPv6 } from "node:net";
import type {
  AddressType,
  ExternalObject,
  Metadata,
  ServiceObject,
  ServicePort,
  SliceEndpoint,
  SliceObject,
  SlicePort,
} from "./objects.ts";

/** Who writes these slices, as Linkerd's: slices of others are left alone. */
export const MANAGER = "linkerd-external-workloads-controller";
export const MANAGED_BY = "endpointslice.kubernetes.io/managed-by";
export const SERVICE_NAME = "kubernetes.io/service-name";
const HEADLESS = "service.kubernetes.io/headless";
const ZONE = "topology.kubernetes.io/zone";

/** Endpoints in a slice, as Kubernetes' own controller has it. */
const ENDPOINTS_MAX = 100;

/**
 * The EndpointSlices by which a Service has the ExternalWorkloads that its selector takes (facts: control plane 2.10): one
 * set for each family of addresses and each set of ports that workloads have declared.
 */
export function slicesOf(
  service: ServiceObject,
  externals: readonly ExternalObject[],
): SliceObject[] {
  const { selector, type, clusterIP, ipFamilies = FAMILIES } = service.spec;
  const isSelecting = Object.keys(selector ?? {}).length > 0;
  if (!isSelecting || type === "ExternalName") return [];
  const isHeadless = clusterIP === "None";
  const selected = externals
    .filter(({ metadata }) => selects(selector ?? {}, metadata))
    .sort((a, b) => a.metadata.name < b.metadata.name ? -1 : 1);
  const groups = new Map<string, Group>();
  for (const external of selected) {
    const ports = portsOf(service, external);
    if (ports === null) continue;
    for (const addressType of ipFamilies) {
      const endpoints = endpointsOf(external, addressType, isHeadless);
      if (endpoints.length === 0) continue;
      const key = groupKey({ addressType, ports });
      const group = groups.get(key) ?? { addressType, ports, endpoints: [] };
      group.endpoints.push(...endpoints);
      groups.set(key, group);
    }
  }
  const metadata = metadataOf(service, isHeadless);
  return [...groups.values()].flatMap(({ endpoints, ...group }) =>
    chunks(endpoints).map((some) => ({ metadata, ...group, endpoints: some }))
  );
}

const FAMILIES: readonly AddressType[] = ["IPv4", "IPv6"];

interface Group extends Required<Pick<SliceObject, "addressType" | "ports">> {
  readonly endpoints: SliceEndpoint[];
}

/** Slices with the same key hold endpoints of the same kind. */
export function groupKey(
  { addressType, ports = [] }: Pick<SliceObject, "addressType" | "ports">,
): string {
  const sorted = ports.map(({ name, port, protocol, appProtocol }) =>
    JSON.stringify([name, port, protocol, appProtocol ?? ""])
  ).sort();
  return `${addressType} ${sorted.join(" ")}`;
}

function selects(
  selector: Readonly<Record<string, string>>,
  { labels = {} }: Metadata,
): boolean {
  return Object.entries(selector).every(([key, value]) =>
    labels[key] === value
  );
}

/** The ports of the Service that a workload has declared; null when it serves none of them. */
function portsOf(
  { spec }: ServiceObject,
  external: ExternalObject,
): SlicePort[] | null {
  const ports = spec.ports ?? [];
  const served = ports.flatMap((port) => {
    const { name = "", protocol = "TCP", appProtocol } = port;
    const found = declared(port, external);
    return found === undefined ? [] : [{
      name,
      port: found.port,
      protocol,
      ...appProtocol === undefined ? {} : { appProtocol },
    }];
  });
  return ports.length > 0 && served.length === 0 ? null : served;
}

function declared(
  { port, targetPort = port, protocol = "TCP" }: ServicePort,
  { spec }: ExternalObject,
) {
  return spec.ports?.find((one) =>
    (one.protocol ?? "TCP") === protocol &&
    (typeof targetPort === "string" ? one.name : one.port) === targetPort
  );
}

function endpointsOf(
  { metadata, spec, status }: ExternalObject,
  addressType: AddressType,
  isHeadless: boolean,
): SliceEndpoint[] {
  const { name, namespace, uid, labels } = metadata;
  const zone = labels?.[ZONE];
  const ready =
    status?.conditions?.some((one) =>
      one.type === "Ready" && one.status === "True"
    ) ?? false;
  const ips = (spec.workloadIPs ?? []).map(({ ip }) => ip)
    .filter((ip) => isIPv6(ip) === (addressType === "IPv6"));
  return ips.map((ip) => ({
    addresses: [ip],
    conditions: { ready, serving: ready, terminating: false },
    targetRef: { kind: "ExternalWorkload", namespace, name, uid },
    ...isHeadless ? { hostname: name } : {},
    ...zone === undefined ? {} : { zone },
  }));
}

function metadataOf({ metadata }: ServiceObject, isHeadless: boolean) {
  const { name, uid, labels = {} } = metadata;
  const { [HEADLESS]: _, ...own } = labels;
  return {
    labels: {
      ...own,
      ...isHeadless ? { [HEADLESS]: "" } : {},
      [SERVICE_NAME]: name,
      [MANAGED_BY]: MANAGER,
    },
    // Who deletes the Service deletes these, too.
    ownerReferences: [
      { apiVersion: "v1", kind: "Service", name, uid, controller: true },
    ],
  };
}

function chunks(endpoints: readonly SliceEndpoint[]): SliceEndpoint[][] {
  const count = Math.ceil(endpoints.length / ENDPOINTS_MAX);
  return Array.from(
    { length: count },
    (_, at) => endpoints.slice(at * ENDPOINTS_MAX, (at + 1) * ENDPOINTS_MAX),
  );
}
