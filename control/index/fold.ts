import type {
  EndpointSlice,
  Namespace,
  Pod,
  Server,
  Service,
} from "../../schemas/kube.ts";
import type { ObjectEvent } from "../source.ts";
import { idOf, ipKey, podKey, serviceKey } from "./keys.ts";
import {
  createServers,
  portsOf,
  selectsPod,
  type Servers,
  serversOf,
} from "./servers.ts";
import { clusterIps, createServices, type Services } from "./services.ts";
import type { Settings } from "./settings.ts";
import { createSlices, serviceOf, type Slices } from "./slices.ts";
import { allIps, createWorkloads, type Workloads } from "./workloads.ts";

/** The objects as they are now, arranged for the questions that are asked of them. */
export interface State {
  readonly settings: Settings;
  readonly namespaces: ReadonlyMap<string, Namespace>;
  readonly services: Services;
  readonly slices: Slices;
  readonly workloads: Workloads;
  readonly servers: Servers;
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
export function createIndex(settings: Settings): Index {
  const namespaces = new Map<string, Namespace>();
  const services = createServices();
  const slices = createSlices();
  const workloads = createWorkloads();
  const servers = createServers();
  let keys = new Set<string>();
  let warnings: string[] = [];
  /** Overlaps already told, so that one is one sentence however many Pods and events it is about. */
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
      case "Server":
        return foldServer(object, gone);
    }
  }

  function foldNamespace(now: Namespace, gone: boolean): void {
    const { name } = now.metadata;
    if (gone) namespaces.delete(name);
    else namespaces.set(name, now);
    for (const id of workloads.byNamespace.get(name)) touchPod(id);
    for (const id of services.byNamespace.get(name)) touchService(id);
  }

  function foldService(now: Service, gone: boolean): void {
    const old = services.byId.get(idOf(now.metadata));
    services.replace(old, gone ? undefined : now);
    keys.add(serviceKey(idOf(now.metadata)));
    for (const service of [old, now]) {
      if (service === undefined) continue;
      for (const ip of clusterIps(service)) keys.add(ipKey(ip));
    }
  }

  function foldSlice(now: EndpointSlice, gone: boolean): void {
    const old = slices.byId.get(idOf(now.metadata));
    slices.replace(old, gone ? undefined : now);
    for (const slice of [old, now]) {
      const service = slice === undefined ? null : serviceOf(slice);
      if (service !== null) keys.add(serviceKey(service));
    }
  }

  function foldPod(now: Pod, gone: boolean): void {
    const id = idOf(now.metadata);
    const old = workloads.byId.get(id);
    if (old !== undefined) touchPod(id);
    workloads.replace(old, gone ? undefined : now);
    touchPod(id);
    if (!gone) warnOfOverlaps(now);
  }

  function foldServer(now: Server, gone: boolean): void {
    const old = servers.byId.get(idOf(now.metadata));
    servers.replace(old, gone ? undefined : now);
    if (gone) told.clear();
    if (!gone) warnings.push(...openness(now));
    for (const id of workloads.byNamespace.get(now.metadata.namespace)) {
      const pod = workloads.byId.get(id);
      if (pod === undefined) continue;
      const isAbout = selectsPod(now, pod) ||
        (old !== undefined && selectsPod(old, pod));
      if (!isAbout) continue;
      touchPod(id);
      if (!gone) warnOfOverlaps(pod);
    }
  }

  function warnOfOverlaps(pod: Pod): void {
    for (const overlap of overlapsOn(pod, servers)) {
      if (told.has(overlap)) continue;
      told.add(overlap);
      warnings.push(overlap);
    }
  }

  function touchPod(id: string): void {
    keys.add(podKey(id));
    const pod = workloads.byId.get(id);
    for (const ip of pod === undefined ? [] : allIps(pod)) keys.add(ipKey(ip));
    for (const service of slices.servicesOfPod(id)) {
      keys.add(serviceKey(service));
    }
  }

  function touchService(id: string): void {
    keys.add(serviceKey(id));
    const service = services.byId.get(id);
    for (const ip of service === undefined ? [] : clusterIps(service)) {
      keys.add(ipKey(ip));
    }
  }

  return {
    settings,
    namespaces,
    services,
    slices,
    workloads,
    servers,
    apply: (events) => {
      keys = new Set();
      warnings = [];
      for (const event of events) fold(event);
      return { keys, warnings };
    },
    sizes: () => ({
      namespaces: namespaces.size,
      services: services.byId.size,
      slices: slices.byId.size,
      pods: workloads.byId.size,
      servers: servers.byId.size,
    }),
  };
}

/** Two Servers on one port are legal; that only one of them holds is worth saying. */
function overlapsOn(pod: Pod, servers: Servers): string[] {
  const about = [...servers.byNamespace.get(pod.metadata.namespace)]
    .filter((server) => selectsPod(server, pod));
  if (about.length < 2) return [];
  const ports = new Set(about.flatMap((server) => portsOf(server, pod)));
  return [...ports].flatMap((port) => {
    const [first, ...others] = serversOf(servers, pod, port);
    return others.map((other) =>
      `Server ${
        idOf(other.metadata)
      } is not in force on port ${port}: Server ${first?.metadata.name} is older or first by name`
    );
  });
}

/** In Linkerd a Server that says nothing of access denies all; docs/decisions/0023. */
function openness({ spec, metadata }: Server): string[] {
  if (spec.accessPolicy !== undefined) return [];
  return [
    `Server ${
      idOf(metadata)
    } has no accessPolicy, which this version does not read as "deny": the Pod's default inbound policy holds`,
  ];
}
