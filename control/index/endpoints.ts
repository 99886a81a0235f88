import { formatAddress } from "../../schemas/address.ts";
import type { Endpoint, EndpointSet } from "../../schemas/destination.ts";
import type {
  EndpointSlice,
  Service,
  ServiceImport,
} from "../../schemas/kube.ts";
import {
  type EndpointsAnswer,
  type EndpointsQuery,
  sameEndpoint,
} from "../views.ts";
import { canonicalIp } from "./addresses.ts";
import { bareEndpoint, podEndpoint, rawEndpoint } from "./endpoint.ts";
import { externalEndpoint } from "./external-endpoint.ts";
import { idOf } from "./keys.ts";
import { servicePort } from "./services.ts";
import { externalOf, podOf } from "./slices.ts";
import type { State } from "./state.ts";
import { podIps } from "./workloads.ts";

type SliceEndpoint = NonNullable<EndpointSlice["endpoints"]>[number];

/** The endpoints that a caller of a Service's port, or of a ServiceImport's, may be sent to, as of now. */
export function endpointsOf(
  query: EndpointsQuery,
  state: State,
): EndpointsAnswer {
  const { outbound, services, slices } = state;
  const id = idOf(query.service);
  const isImport = query.kind === "import";
  const service = (isImport ? outbound.imports : services).byId.get(id);
  if (service === undefined) return { kind: "absent" };
  if (service.spec.type === "ExternalName") return { kind: "external" };
  const endpoints = new Map<string, Endpoint>();
  for (const slice of (isImport ? slices.byImport : slices.byService).get(id)) {
    const port = slicePort(slice, service, query.port);
    if (port === undefined || !isOfFamily(slice, state)) continue;
    for (const endpoint of slice.endpoints ?? []) {
      if (!isOffered(slice, endpoint, service, query, state)) continue;
      const resolved = isImport
        ? resolveImported(slice, endpoint, port, state)
        : resolve(slice, endpoint, port, query.port, state);
      for (const found of resolved) {
        const key = formatAddress(found.address);
        if (!endpoints.has(key)) endpoints.set(key, found);
      }
    }
  }
  return { kind: "known", endpoints };
}

/** Whether two answers mean the same. */
export function sameEndpoints(a: EndpointsAnswer, b: EndpointsAnswer): boolean {
  return a.kind === "known" && b.kind === "known"
    ? sameSet(a.endpoints, b.endpoints)
    : a.kind === b.kind;
}

function sameSet(a: EndpointSet, b: EndpointSet): boolean {
  if (a.size !== b.size) return false;
  for (const [key, endpoint] of a) {
    if (!sameEndpoint(endpoint, b.get(key))) return false;
  }
  return true;
}

/**
 * The number under which the slice offers the Service's port. The two are joined by the port's name; a number that
 * the Service does not declare is used as it is.
 */
function slicePort(
  { ports = [] }: EndpointSlice,
  service: Service | ServiceImport,
  port: number,
): number | undefined {
  const tcp = ports.filter(({ protocol }) => (protocol ?? "TCP") === "TCP");
  if (tcp.length === 0) return undefined;
  const declared = servicePort(service, port);
  if (declared === undefined) return port;
  return tcp.find(({ name }) => (name ?? "") === (declared.name ?? ""))?.port;
}

function isOfFamily({ addressType }: EndpointSlice, { settings }: State) {
  return addressType === "IPv4" || (addressType === "IPv6" && settings.ipv6);
}

/** Whether the endpoint takes traffic, and takes it from this caller. */
function isOffered(
  slice: EndpointSlice,
  endpoint: SliceEndpoint,
  service: Service | ServiceImport,
  { hostname, nodeName }: EndpointsQuery,
  { pods }: State,
): boolean {
  if (endpoint.conditions?.ready === false) return false;
  if (hostname !== null && endpoint.hostname !== hostname) return false;
  const isLocal = service.kind === "Service" &&
    service.spec.internalTrafficPolicy === "Local";
  if (!isLocal) return true;
  const pod = pods.byId.get(podOf(slice, endpoint) ?? "");
  return nodeName !== null && pod?.spec?.nodeName === nodeName;
}

/**
 * A cluster set's endpoints may be of any of its clusters, and what they refer to there may be called as something of
 * ours is: only a Pod that has the very address is this cluster's, and all others are reached as addresses alone.
 */
function resolveImported(
  slice: EndpointSlice,
  endpoint: SliceEndpoint,
  port: number,
  state: State,
): Endpoint[] {
  const pod = state.pods.byId.get(podOf(slice, endpoint) ?? "");
  const own = pod === undefined ? [] : podIps(pod);
  return endpoint.addresses.map((text) => {
    const address = { ip: canonicalIp(text), port };
    return pod !== undefined && own.includes(address.ip)
      ? podEndpoint(pod, address, endpoint.zone ?? "", state)
      : bareEndpoint(address);
  });
}

function resolve(
  slice: EndpointSlice,
  endpoint: SliceEndpoint,
  port: number,
  asked: number,
  state: State,
): Endpoint[] {
  const addresses = endpoint.addresses.map((ip) => ({
    ip: canonicalIp(ip),
    port,
  }));
  if (endpoint.targetRef === undefined) {
    return addresses.map((address) => rawEndpoint(address, slice, asked));
  }
  const zone = endpoint.zone ?? "";
  const external = state.externals.byId.get(externalOf(slice, endpoint) ?? "");
  if (external !== undefined) {
    return addresses.map((address) =>
      externalEndpoint(external, address, zone, state)
    );
  }
  const pod = state.pods.byId.get(podOf(slice, endpoint) ?? "");
  // Neither a workload that is not known (yet, or any more) nor a reference to something else can be reached safely.
  if (pod === undefined) return [];
  // A Pod of both families is one endpoint, by IPv6 when that is offered at all.
  const isDouble = state.settings.ipv6 && slice.addressType === "IPv4" &&
    podIps(pod).some((ip) => ip.includes(":"));
  if (isDouble) return [];
  return addresses.map((address) => podEndpoint(pod, address, zone, state));
}
