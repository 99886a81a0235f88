import type { Pod, Selector, Server } from "../../schemas/kube.ts";
import { idOf } from "./keys.ts";
import { createMultimap, type Multimap } from "./multimap.ts";
import { tcpPorts } from "./workloads.ts";

/** Servers by name and by namespace; a Server selects Pods of its own namespace only. */
export interface Servers {
  readonly byId: ReadonlyMap<string, Server>;
  readonly byNamespace: Pick<Multimap<Server>, "get">;
  /** Replaces a Server, or removes it when there is no new one. */
  readonly replace: (old: Server | undefined, now: Server | undefined) => void;
}

/** Creates an empty index of Servers. */
export function createServers(): Servers {
  const byId = new Map<string, Server>();
  const byNamespace = createMultimap<Server>();
  return {
    byId,
    byNamespace,
    replace: (old, now) => {
      if (old !== undefined) {
        byId.delete(idOf(old.metadata));
        byNamespace.remove(old.metadata.namespace, old);
      }
      if (now === undefined) return;
      byId.set(idOf(now.metadata), now);
      byNamespace.add(now.metadata.namespace, now);
    },
  };
}

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
  return found.sort((a, b) =>
    createdAtMs(a) - createdAtMs(b) ||
    (a.metadata.name < b.metadata.name ? -1 : 1)
  );
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

/** An object that does not say when it was made counts as the youngest. */
function createdAtMs({ metadata }: Server): number {
  const at = Date.parse(metadata.creationTimestamp ?? "");
  return Number.isNaN(at) ? Number.MAX_SAFE_INTEGER : at;
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
