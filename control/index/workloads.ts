import type { ExternalWorkload, Pod } from "../../schemas/kube.ts";
import { canonicalIp } from "./addresses.ts";
import { idOf } from "./keys.ts";
import { createMultimap, type Multimap } from "./multimap.ts";
import type { NamedPort } from "./ports.ts";

type Container = NonNullable<NonNullable<Pod["spec"]>["containers"]>[number];
type ContainerPort = NonNullable<Container["ports"]>[number];

/** What has a proxy and is called. */
export type Workload = Pod | ExternalWorkload;

/** Pods by name, by namespace and by address. */
export interface Workloads {
  readonly byId: ReadonlyMap<string, Pod>;
  readonly byNamespace: Pick<Multimap<string>, "get">;
  /** Ids of the Pods that have the address, or whose node has it. */
  readonly byIp: Pick<Multimap<string>, "get">;
  /** Replaces a Pod, or removes it when there is no new one. */
  readonly replace: (old: Pod | undefined, now: Pod | undefined) => void;
}

/** Creates an empty index of Pods. */
export function createWorkloads(): Workloads {
  const byId = new Map<string, Pod>();
  const byNamespace = createMultimap<string>();
  const byIp = createMultimap<string>();
  return {
    byId,
    byNamespace,
    byIp,
    replace: (old, now) => {
      if (old !== undefined) {
        const id = idOf(old.metadata);
        byId.delete(id);
        byNamespace.remove(old.metadata.namespace, id);
        for (const ip of allIps(old)) byIp.remove(ip, id);
      }
      if (now === undefined) return;
      const id = idOf(now.metadata);
      byId.set(id, now);
      byNamespace.add(now.metadata.namespace, id);
      for (const ip of allIps(now)) byIp.add(ip, id);
    },
  };
}

/** The Pod's own addresses in canonical text. */
export function podIps({ status }: Pod): readonly string[] {
  const given = [status?.podIP, ...status?.podIPs?.map(({ ip }) => ip) ?? []];
  return [...new Set(given.flatMap((ip) => ip ? [canonicalIp(ip)] : []))];
}

/** The addresses by which a Pod may be found: its own, and its node's when it claims a port there. */
export function allIps(pod: Pod): readonly string[] {
  const hostIp = pod.status?.hostIP;
  const claims = hostIp !== undefined &&
    tcpPorts(pod).some(({ hostPort }) => hostPort !== undefined);
  return claims
    ? [...new Set([...podIps(pod), canonicalIp(hostIp)])]
    : podIps(pod);
}

/** All containers of a Pod, init containers included; none of what is no Pod. */
export function containersOf(workload: Workload): readonly Container[] {
  if (workload.kind === "ExternalWorkload") return [];
  const { spec } = workload;
  return [...spec?.containers ?? [], ...spec?.initContainers ?? []];
}

/** The TCP ports that a Pod's containers name. */
export function tcpPorts(pod: Pod): readonly ContainerPort[] {
  return containersOf(pod)
    .flatMap(({ ports }) => ports ?? [])
    .filter(({ protocol }) => (protocol ?? "TCP") === "TCP");
}

/** The TCP ports of a workload, as Servers and annotations may refer to them. */
export function namedPorts(workload: Workload): readonly NamedPort[] {
  if (workload.kind === "ExternalWorkload") {
    return (workload.spec.ports ?? [])
      .filter(({ protocol }) => (protocol ?? "TCP") === "TCP");
  }
  return tcpPorts(workload)
    .map(({ name, containerPort }) => ({ name, port: containerPort }));
}

/** Whether a Pod can take traffic: running (or of a phase not told) and not being deleted. */
export function isRunning({ metadata, status }: Pod): boolean {
  return metadata.deletionTimestamp === undefined &&
    (status?.phase ?? "Running") === "Running";
}
