import type {
  EndpointSlice,
  KubeObject,
  Namespace,
  OutboundRoute,
  Policy,
  ReferenceGrant,
  Server,
  Service,
  ServiceImport,
  ServiceProfile,
} from "../../schemas/kube.ts";
import {
  keysOfParent,
  keysOfRoute,
  keysOfSenders,
  keysOfService,
  keysOfWorkload,
  workloadsIn,
} from "./dependents.ts";
import { EGRESS_KEY, idOf, importKey, ipKey, policyIpKey } from "./keys.ts";
import { objectKey } from "./outbound.ts";
import { selects } from "./servers.ts";
import { serviceOfProfile } from "./service-profiles.ts";
import { clusterIps, importIps } from "./services.ts";
import { keysOfSlice } from "./slices.ts";
import type { State } from "./state.ts";
import type { Workload } from "./workloads.ts";

/** What is gathered while events are folded, to be looked at once when all of the batch is known. */
export interface Batch {
  /** Ids of Servers about which policies changed. */
  readonly ruled: Set<string>;
  /** Workloads that Servers select, or did, which changed. */
  readonly reselected: Set<Workload>;
}

/**
 * Takes an object in, or out when it is gone; gives the keys of what depends on it as it was and as it is, all of which
 * are to be taken before the next one is folded.
 */
export function foldObject(
  object: KubeObject,
  gone: boolean,
  state: State,
  batch: Batch,
): Iterable<string> {
  switch (object.kind) {
    case "Namespace":
      return foldNamespace(object, gone, state);
    case "Service":
      return foldService(object, gone, state);
    case "EndpointSlice":
      return foldSlice(object, gone, state);
    case "Pod":
      return foldWorkload(state.pods.put(object, gone), object, state);
    case "ExternalWorkload":
      return foldWorkload(state.externals.put(object, gone), object, state);
    case "Server":
      return foldServer(object, gone, state, batch);
    case "ServiceProfile":
      return foldProfile(object, gone, state);
    case "ServiceImport":
      return foldImport(object, gone, state);
    case "EgressNetwork":
      state.outbound.egress.put(object, gone);
      return [EGRESS_KEY];
    case "ReferenceGrant":
      return foldGrant(object, gone, state);
    case "TLSRoute":
    case "TCPRoute":
      return foldRoute(object, gone, state);
    case "HTTPRoute":
    case "GRPCRoute":
      foldPolicy(object, gone, state, batch);
      return foldRoute(object, gone, state);
    default:
      foldPolicy(object, gone, state, batch);
      return [];
  }
}

function* foldNamespace(
  now: Namespace,
  gone: boolean,
  state: State,
): Generator<string> {
  const { namespaces, services, outbound } = state;
  const { name } = now.metadata;
  if (gone) namespaces.delete(name);
  else namespaces.set(name, now);
  for (const workload of workloadsIn(name, state)) {
    yield* keysOfWorkload(workload, state);
  }
  for (const { metadata } of services.byNamespace.get(name)) {
    yield* keysOfService(idOf(metadata), state);
  }
  for (const { metadata } of outbound.imports.byNamespace.get(name)) {
    yield* keysOfParent({ kind: "ServiceImport", id: idOf(metadata) }, state);
  }
  if (outbound.egress.byNamespace.get(name).size > 0) yield EGRESS_KEY;
}

function* foldService(
  now: Service,
  gone: boolean,
  state: State,
): Generator<string> {
  const old = state.services.put(now, gone);
  const id = idOf(now.metadata);
  if (old !== undefined) yield* keysOfIps(clusterIps(old));
  yield* keysOfIps(clusterIps(now));
  yield* keysOfService(id, state);
  yield* keysOfSenders(objectKey("Service", id), state);
}

function* foldImport(
  now: ServiceImport,
  gone: boolean,
  state: State,
): Generator<string> {
  const old = state.outbound.imports.put(now, gone);
  const id = idOf(now.metadata);
  if (old !== undefined) yield* keysOfIps(importIps(old));
  yield* keysOfIps(importIps(now));
  yield importKey(id);
  yield* keysOfParent({ kind: "ServiceImport", id }, state);
  yield* keysOfSenders(objectKey("ServiceImport", id), state);
}

function keysOfIps(ips: readonly string[]): readonly string[] {
  return ips.flatMap((ip) => [ipKey(ip), policyIpKey(ip)]);
}

function* foldSlice(
  now: EndpointSlice,
  gone: boolean,
  { slices }: State,
): Generator<string> {
  const old = slices.put(now, gone);
  if (old !== undefined) yield* keysOfSlice(old);
  yield* keysOfSlice(now);
}

function* foldWorkload(
  old: Workload | undefined,
  now: Workload,
  state: State,
): Generator<string> {
  if (old !== undefined) yield* keysOfWorkload(old, state);
  yield* keysOfWorkload(now, state);
}

function* foldServer(
  now: Server,
  gone: boolean,
  state: State,
  { reselected }: Batch,
): Generator<string> {
  const old = state.servers.put(now, gone);
  for (const workload of workloadsIn(now.metadata.namespace, state)) {
    const isAbout = selects(now, workload) ||
      (old !== undefined && selects(old, workload));
    if (!isAbout) continue;
    yield* keysOfWorkload(workload, state);
    if (!gone) reselected.add(workload);
  }
}

function* foldProfile(
  now: ServiceProfile,
  gone: boolean,
  state: State,
): Generator<string> {
  state.profiles.put(now, gone);
  const service = serviceOfProfile(now, state.settings.clusterDomain);
  if (service !== null) yield* keysOfService(service, state);
}

function* foldGrant(
  now: ReferenceGrant,
  gone: boolean,
  state: State,
): Generator<string> {
  const { grants, routesInto } = state.outbound;
  grants.put(now, gone);
  for (const route of routesInto.get(now.metadata.namespace)) {
    yield* keysOfRoute(route, state);
  }
}

function* foldRoute(
  now: OutboundRoute,
  gone: boolean,
  state: State,
): Generator<string> {
  const old = state.outbound.putRoute(now, gone);
  if (old !== undefined) yield* keysOfRoute(old, state);
  yield* keysOfRoute(now, state);
}

/** Whom a Server's policies concern is known when the Servers of the batch are. */
function foldPolicy(
  now: Policy,
  gone: boolean,
  { policies, servers }: State,
  { ruled }: Batch,
): void {
  for (const id of policies.put(now, gone, servers)) ruled.add(id);
}
