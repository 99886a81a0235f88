import type { Pod, Selector, Server } from "../../schemas/kube.ts";
import { type Named, oldestFirst } from "./named.ts";
import { tcpPorts } from "./workloads.ts";

/** Servers by name and by namespace; a Server selects Pods of its own namespace only. */
export type Servers = Named<Server>;

/** The Servers that select the Pod's port, the one in force first: the oldest, then the first by name. */
export function serversOf(
  servers: Servers,
  pod: Pod,
  port: number,
): readonly Server[] {
  const found: Server[] = [];
  for (const server of servers.byNamespace.get(pod.metadata.namespace)) {
    if (selectsPort(server, pod, port)) found.push(server);
  }
  return oldestFirst(found);
}

/** Whether the Server is about the Pod, on whichever port. */
export function selectsPod({ spec }: Server, pod: Pod): boolean {
  return spec.podSelector !== undefined &&
    matches(spec.podSelector, pod.metadata.labels ?? {});
}

/** The ports of the Pod that the Server is about. */
export function portsOf({ spec }: Server, pod: Pod): readonly number[] {
  return typeof spec.port === "number" ? [spec.port] : tcpPorts(pod)
    .filter(({ name }) => name === spec.port)
    .map(({ containerPort }) => containerPort);
}

function selectsPort(server: Server, pod: Pod, port: number): boolean {
  return selectsPod(server, pod) && portsOf(server, pod).includes(port);
}

/** Whether labels satisfy a selector. */
export function matches(
  { matchLabels = {}, matchExpressions = [] }: Selector,
  labels: Readonly<Record<string, string>>,
): boolean {
  return Object.entries(matchLabels).every(([key, value]) =>
    labels[key] === value
  ) && matchExpressions.every(({ key, operator, values = [] }) => {
    const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
    switch (operator) {
      case "Exists":
        return value !== undefined;
      case "DoesNotExist":
        return value === undefined;
      case "In":
        return value !== undefined && values.includes(value);
      case "NotIn":
        return value === undefined || !values.includes(value);
    }
  });
}
