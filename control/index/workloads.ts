import type { ExternalWorkload, Pod } from "../../schemas/kube.ts";
import { canonicalIp } from "./addresses.ts";
import type { NamedPort } from "./ports.ts";

type Container = NonNullable<NonNullable<Pod["spec"]>["containers"]>[number];
type ContainerPort = NonNullable<Container["ports"]>[number];

/** What has a proxy and is called. */
export type Workload = Pod | ExternalWorkload;

/** The Pod's own addresses in canonical text. */
export function podIps({ status }: Pod): readonly string[] {
  const given = [status?.podIP, ...status?.podIPs?.map(({ ip }) => ip) ?? []];
  return [...new Set(given.flatMap((ip) => ip ? [canonicalIp(ip)] : []))];
}

/** The addresses by which a Pod may be found: its own, and its node's when it claims a port there. */
export function foundAt(pod: Pod): readonly string[] {
  const hostIp = pod.status?.hostIP;
  const claims = hostIp !== undefined &&
    tcpPorts(pod).some(({ hostPort }) => hostPort !== undefined);
  return claims
    ? [...new Set([...podIps(pod), canonicalIp(hostIp)])]
    : podIps(pod);
}

/** The addresses of an ExternalWorkload in canonical text. */
export function externalIps({ spec }: ExternalWorkload): readonly string[] {
  return (spec.workloadIPs ?? []).map(({ ip }) => canonicalIp(ip));
}

/** The addresses by which a workload may be found. */
export function ipsOf(workload: Workload): readonly string[] {
  return workload.kind === "Pod" ? foundAt(workload) : externalIps(workload);
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
