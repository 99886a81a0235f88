import { splitList } from "./forms.ts";
import {
  type Container,
  type Fields,
  fieldsAt,
  isFields,
  type Pod,
} from "./workload.ts";

/**
 * Every port that a pod's containers declare or are probed on, for the proxy's policy watches. Sorted as text and not
 * as numbers, so that the value is the one Linkerd writes.
 */
export function containerPorts(pod: Pod): string {
  const found = new Set<number>();
  for (const container of allContainers(pod)) {
    for (const { containerPort } of container.ports) found.add(containerPort);
    for (const name of ["livenessProbe", "readinessProbe"]) {
      const probed = probePort(container.fields[name]);
      if (probed !== undefined) found.add(probed);
    }
  }
  return [...found].map(String).sort().join(",");
}

/** Those of the default opaque ports that the pod's containers declare; empty when none. */
export function defaultOpaquePorts(pod: Pod, defaults: string): string {
  const found = allContainers(pod).flatMap(({ ports }) =>
    ports.map(({ containerPort }) => containerPort)
  ).filter((port) => listsPort(defaults, port));
  return [...new Set(found)].join(",");
}

/**
 * Those ports of a Service whose traffic comes to a default opaque port; empty when none. What counts is the port that
 * Pods listen on: 3306 in front of 80 is not opaque, 80 in front of 3306 is.
 */
export function serviceOpaquePorts(service: Fields, defaults: string): string {
  const ports = fieldsAt(service, ["spec"])?.["ports"];
  if (!Array.isArray(ports)) return "";
  const found = ports.filter(isFields).filter(({ port, targetPort }) => {
    const target = targetPort ?? port;
    return typeof target === "number" && listsPort(defaults, target);
  });
  return [...new Set(found.map(({ port }) => String(port)))].join(",");
}

/** Whether a list of ports and ranges names a port. */
export function listsPort(list: string, port: number): boolean {
  return splitList(list).some((item) => {
    const [low, high] = item.split("-").map(Number);
    return low !== undefined && low <= port && port <= (high ?? low);
  });
}

function allContainers(pod: Pod): readonly Container[] {
  return [...pod.containers, ...pod.initContainers];
}

function probePort(probe: unknown): number | undefined {
  const get = isFields(probe) ? probe["httpGet"] : undefined;
  const port = isFields(get) ? get["port"] : undefined;
  return typeof port === "number" ? port : undefined;
}
