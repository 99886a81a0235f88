import type { Pod, Server } from "../../schemas/kube.ts";
import { matches } from "../../schemas/kube/selector.ts";
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
