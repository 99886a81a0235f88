import { type Form, PORT_MAX, splitList } from "./forms.ts";
import type { Pod } from "./workload.ts";

/** Ports and ranges, spaces dropped; an empty list is one. */
export const ports: Form<string> = {
  allowed: "ports and ranges such as 25,4000-4010",
  parse: (text) => {
    const items = splitList(text);
    return items.every(isPortRange) ? items.join(",") : undefined;
  },
};

/** Ports, ranges and names of the pod's ports. A name that no container has means nothing here, as in Linkerd. */
export const opaquePorts: Form<string> = {
  allowed:
    "ports, ranges and names of container ports such as 25,4000-4010,mysql",
  parse: (text) =>
    splitList(text).every((item) =>
        isPortRange(item) || /^(?=.*[a-z])[a-z0-9-]{1,63}$/.test(item)
      )
      ? text
      : undefined,
};

/** Ports of a list with names in it, by the names that the pod's containers give their ports. */
export function resolvePorts(text: string, pod: Pod): string {
  const named = [...pod.containers, ...pod.initContainers]
    .flatMap((container) => container.ports);
  return splitList(text).flatMap((item) =>
    isPortRange(item) ? [item] : named.filter(({ name }) => name === item)
      .map(({ containerPort }) => String(containerPort))
  ).join(",");
}

/** Whether text is a port or a range of ports. Port 0 is allowed, as in Linkerd. */
export function isPortRange(text: string): boolean {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (match === null) return false;
  const low = Number(match[1]);
  const high = Number(match[2] ?? match[1]);
  return low <= high && high <= PORT_MAX;
}
