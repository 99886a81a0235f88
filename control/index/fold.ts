import type {
  EgressNetwork,
  EndpointSlice,
  ExternalWorkload,
  Namespace,
  OutboundRoute,
  Pod,
  Policy,
  ReferenceGrant,
  Server,
  Service,
  ServiceImport,
  ServiceProfile,
} from "../../schemas/kube.ts";
import type { ObjectEvent } from "../source.ts";
import {
  absencesOf,
  doubtsAboutParent,
  doubtsAboutRoute,
} from "./client-doubts.ts";
import { doubtsAbout, doubtsAboutDefault, overlapsOn } from "./doubts.ts";
import { createExternals, externalIps, type Externals } from "./externals.ts";
import {
  EGRESS_KEY,
  externalKey,
  idOf,
  importKey,
  ipKey,
  podKey,
  policyIpKey,
  serviceKey,
} from "./keys.ts";
import { createNamed } from "./named.ts";
import {
  createOutbound,
  importIps,
  objectKey,
  type Outbound,
} from "./outbound.ts";
import { keysOfParent, keysOfRoute, keysOfSenders } from "./outbound-keys.ts";
import { createPolicies, type Policies } from "./policies.ts";
import { selects, type Servers } from "./servers.ts";
import { clusterIps, createServices, type Services } from "./services.ts";
import type { Settings } from "./settings.ts";
import {
  createServiceProfiles,
  serviceOfProfile,
  type ServiceProfiles,
} from "./service-profiles.ts";
import { createSlices, keysOfSlice, type Slices } from "./slices.ts";
import {
  allIps,
  createWorkloads,
  type Workload,
  type Workloads,
} from "./workloads.ts";

/** The objects as they are now, arranged for the questions that are asked of them. */
export interface State {
  readonly settings: Settings;
  readonly namespaces: ReadonlyMap<string, Namespace>;
  readonly services: Services;
  readonly slices: Slices;
  readonly workloads: Workloads;
  readonly externals: Externals;
  readonly servers: Servers;
  readonly profiles: ServiceProfiles;
  readonly policies: Policies;
  readonly outbound: Outbound;
}

/** What a batch of events did. */
export interface Folded {
  /** Keys (keys.ts) whose answers may have changed. */
  readonly keys: ReadonlySet<string>;
  /** Sentences for the log about objects that contradict each other. */
  readonly warnings: readonly string[];
}

export interface Index extends State {
  readonly apply: (events: readonly ObjectEvent[]) => Folded;
  /** How many objects of each kind are known. */
  readonly sizes: () => Readonly<Record<string, number>>;
}

/** Creates an empty index; folding an event costs as much as what depends on its object, not as the whole. */
export function createIndex(
  settings: Settings,
  { hasStatuses = true }: {
    /** Whether statuses say what of a route is not in force; if not, warnings do. */
    readonly hasStatuses?: boolean;
  } = {},
): Index {
  const namespaces = new Map<string, Namespace>();
  const services = createServices();
  const slices = createSlices();
  const workloads = createWorkloads();
  const externals = createExternals();
  const servers = createNamed<Server>();
  const profiles = createServiceProfiles();
  const policies = createPolicies();
  const outbound = createOutbound();
  const state: State = {
    settings,
    namespaces,
    services,
    slices,
    workloads,
    externals,
    servers,
    profiles,
    policies,
    outbound,
  };
  let keys = new Set<string>();
  let warnings: string[] = [];
  /** Servers about which policies changed, and those policies: looked at when the whole batch is known. */
  let concerned = new Set<string>();
  let applied = new Set<Policy>();
  let routed = new Set<OutboundRoute>();
  /** Warnings already given, so that one is one sentence however many Pods and events it is about. */
  const told = new Set<string>();

  function fold({ kind, object }: ObjectEvent): void {
    const gone = kind === "delete";
    switch (object.kind) {
      case "Namespace":
        return foldNamespace(object, gone);
      case "Service":
        return foldService(object, gone);
      case "EndpointSlice":
        return foldSlice(object, gone);
      case "Pod":
        return foldPod(object, gone);
      case "ExternalWorkload":
        return foldExternal(object, gone);
      case "Server":
        return foldServer(object, gone);
      case "ServiceProfile":
        return foldProfile(object, gone);
      case "ServiceImport":
        return foldImport(object, gone);
      case "EgressNetwork":
        return foldEgress(object, gone);
      case "ReferenceGrant":
        return foldGrant(object, gone);
      case "TLSRoute":
      case "TCPRoute":
        return foldRoute(object, gone);
      case "HTTPRoute":
      case "GRPCRoute":
        foldRoute(object, gone);
        return foldPolicy(object, gone);
      default:
        return foldPolicy(object, gone);
    }
  }

  function foldNamespace(now: Namespace, gone: boolean): void {
    const { name } = now.metadata;
    if (gone) namespaces.delete(name);
    else {
      namespaces.set(name, now);
      doubtsAboutDefault(now).forEach(warn);
    }
    for (const workload of workloadsIn(name)) touch(workload);
    for (const id of services.byNamespace.get(name)) touchService(id);
    for (const { metadata } of outbound.imports.byNamespace.get(name)) {
      const id = idOf(metadata);
      touchAll(keysOfParent({ kind: "ServiceImport", id }, state));
    }
    if (outbound.egress.byNamespace.get(name).size > 0) keys.add(EGRESS_KEY);
  }

  function foldService(now: Service, gone: boolean): void {
    const old = services.byId.get(idOf(now.metadata));
    const id = idOf(now.metadata);
    for (const ip of old === undefined ? [] : clusterIps(old)) touchIp(ip);
    services.replace(old, gone ? undefined : now);
    for (const ip of clusterIps(now)) touchIp(ip);
    touchService(id);
    touchAll(keysOfSenders(objectKey("Service", id), state));
    if (!gone) doubtsAboutParent(now).forEach(warn);
  }

  function foldImport(now: ServiceImport, gone: boolean): void {
    const old = outbound.putImport(now, gone);
    for (const ip of [...importIps(old), ...importIps(now)]) touchIp(ip);
    const id = idOf(now.metadata);
    keys.add(importKey(id));
    touchAll(keysOfParent({ kind: "ServiceImport", id }, state));
    touchAll(keysOfSenders(objectKey("ServiceImport", id), state));
    if (!gone) doubtsAboutParent(now).forEach(warn);
  }

  function foldEgress(now: EgressNetwork, gone: boolean): void {
    outbound.egress.put(now, gone);
    keys.add(EGRESS_KEY);
    if (!gone) doubtsAboutParent(now).forEach(warn);
  }

  function foldGrant(now: ReferenceGrant, gone: boolean): void {
    outbound.grants.put(now, gone);
    for (const route of outbound.routesInto.get(now.metadata.namespace)) {
      touchAll(keysOfRoute(route, state));
    }
  }

  function foldRoute(now: OutboundRoute, gone: boolean): void {
    const old = outbound.putRoute(now, gone);
    for (const route of [old, now]) {
      if (route !== undefined) touchAll(keysOfRoute(route, state));
    }
    if (gone) told.clear();
    else routed.add(now);
  }

  function touchAll(changed: Iterable<string>): void {
    for (const key of changed) keys.add(key);
  }

  function touchIp(ip: string): void {
    keys.add(ipKey(ip));
    keys.add(policyIpKey(ip));
  }

  function foldSlice(now: EndpointSlice, gone: boolean): void {
    const old = slices.byId.get(idOf(now.metadata));
    slices.replace(old, gone ? undefined : now);
    for (const slice of [old, now]) {
      for (const key of slice === undefined ? [] : keysOfSlice(slice)) {
        keys.add(key);
      }
    }
  }

  function foldPod(now: Pod, gone: boolean): void {
    const old = workloads.byId.get(idOf(now.metadata));
    workloads.replace(old, gone ? undefined : now);
    foldWorkload(old, now, gone);
  }

  function foldExternal(now: ExternalWorkload, gone: boolean): void {
    foldWorkload(externals.put(now, gone), now, gone);
  }

  function foldWorkload(
    old: Workload | undefined,
    now: Workload,
    gone: boolean,
  ): void {
    if (old !== undefined) touch(old);
    touch(now);
    if (gone) return;
    doubtsAboutDefault(now).forEach(warn);
    warnOfOverlaps(now);
  }

  function foldServer(now: Server, gone: boolean): void {
    const old = servers.put(now, gone);
    if (gone) told.clear();
    for (const workload of workloadsIn(now.metadata.namespace)) {
      const isAbout = selects(now, workload) ||
        (old !== undefined && selects(old, workload));
      if (!isAbout) continue;
      touch(workload);
      if (!gone) warnOfOverlaps(workload);
    }
  }

  function foldProfile(now: ServiceProfile, gone: boolean): void {
    profiles.put(now, gone);
    const service = serviceOfProfile(now, settings.clusterDomain);
    if (service !== null) touchService(service);
  }

  function foldPolicy(now: Policy, gone: boolean): void {
    for (const id of policies.put(now, gone, servers)) concerned.add(id);
    if (gone) told.clear();
    else applied.add(now);
  }

  /** Only what proxies are told of a workload's ports depends on policies, not where the workload is found. */
  function touchConcerned(): void {
    for (const id of concerned) {
      const server = servers.byId.get(id);
      if (server === undefined) continue;
      const { namespace } = server.metadata;
      for (const workload of workloadsIn(namespace)) {
        if (selects(server, workload)) keys.add(keyOf(workload));
      }
    }
  }

  function* workloadsIn(namespace: string): Generator<Workload> {
    for (const id of workloads.byNamespace.get(namespace)) {
      const pod = workloads.byId.get(id);
      if (pod !== undefined) yield pod;
    }
    yield* externals.byNamespace.get(namespace);
  }

  function warnOfOverlaps(workload: Workload): void {
    for (const overlap of overlapsOn(workload, servers)) warn(overlap);
  }

  function warn(sentence: string): void {
    if (told.has(sentence)) return;
    told.add(sentence);
    warnings.push(sentence);
  }

  function touch(workload: Workload): void {
    const key = keyOf(workload);
    keys.add(key);
    const ips = workload.kind === "Pod"
      ? allIps(workload)
      : externalIps(workload);
    for (const ip of ips) keys.add(ipKey(ip));
    for (const behind of slices.keysOf(key)) keys.add(behind);
  }

  function touchService(id: string): void {
    keys.add(serviceKey(id));
    touchAll(keysOfParent({ kind: "Service", id }, state));
    const service = services.byId.get(id);
    for (const ip of service === undefined ? [] : clusterIps(service)) {
      keys.add(ipKey(ip));
    }
  }

  return {
    ...state,
    apply: (events) => {
      keys = new Set();
      warnings = [];
      concerned = new Set();
      applied = new Set();
      routed = new Set();
      for (const event of events) fold(event);
      touchConcerned();
      for (const policy of applied) doubtsAbout(policy, state).forEach(warn);
      for (const route of routed) {
        doubtsAboutRoute(route, state).forEach(warn);
        if (!hasStatuses) absencesOf(route, state).forEach(warn);
      }
      return { keys, warnings };
    },
    sizes: () => ({
      namespaces: namespaces.size,
      services: services.byId.size,
      slices: slices.byId.size,
      pods: workloads.byId.size,
      externalWorkloads: externals.byId.size,
      servers: servers.byId.size,
      profiles: profiles.byId.size,
      authorizations: policies.serverAuthorizations.byId.size +
        policies.authorizationPolicies.byId.size,
      authentications: policies.meshTls.byId.size +
        policies.networks.byId.size,
      routes: outbound.routes.byId.size,
      imports: outbound.imports.byId.size,
      egressNetworks: outbound.egress.byId.size,
      grants: outbound.grants.byId.size,
      rateLimits: policies.rateLimits.byId.size,
    }),
  };
}

function keyOf(workload: Workload): string {
  const id = idOf(workload.metadata);
  return workload.kind === "Pod" ? podKey(id) : externalKey(id);
}
