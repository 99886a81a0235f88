import type { Server } from "../../schemas/kube.ts";
import { matches } from "../../schemas/kube/selector.ts";
import { type Named, oldestFirst } from "./named.ts";
import { namedPorts, type Workload } from "./workloads.ts";

/** Servers by name and by namespace; a Server selects workloads of its own namespace only. */
export type Servers = Named<Server>;

/** The Servers that select the workload's port, the one in force first: the oldest, then the first by name. */
export function serversOf(
  servers: Servers,
  workload: Workload,
  port: number,
): readonly Server[] {
  const found: Server[] = [];
  for (const server of servers.byNamespace.get(workload.metadata.namespace)) {
    if (selectsPort(server, workload, port)) found.push(server);
  }
  return oldestFirst(found);
}

/** Whether the Server is about the workload, on whichever port. */
export function selects({ spec }: Server, workload: Workload): boolean {
  const selector = workload.kind === "Pod"
    ? spec.podSelector
    : spec.externalWorkloadSelector;
  return selector !== undefined &&
    matches(selector, workload.metadata.labels ?? {});
}

/** The ports of the workload that the Server is about. */
export function portsOf(
  { spec }: Server,
  workload: Workload,
): readonly number[] {
  return typeof spec.port === "number" ? [spec.port] : namedPorts(workload)
    .filter(({ name }) => name === spec.port)
    .map(({ port }) => port);
}

function selectsPort(
  server: Server,
  workload: Workload,
  port: number,
): boolean {
  return selects(server, workload) &&
    portsOf(server, workload).includes(port);
}
