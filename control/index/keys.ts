import type { ObjectName } from "../views.ts";

/** The text that names an object of a kind within an index: `namespace/name`. */
export function idOf({ namespace, name }: ObjectName): string {
  return `${namespace}/${name}`;
}

/** Changes with the Service, its slices, and the workloads and Servers behind them. */
export function serviceKey(id: string): string {
  return `service ${id}`;
}

/** Changes with the Services and workloads that have the address. */
export function ipKey(ip: string): string {
  return `ip ${ip}`;
}

/** Changes with the ExternalWorkload, its Namespace and the Servers that select it. */
export function externalKey(id: string): string {
  return `external ${id}`;
}

/** Changes with the Pod, its Namespace and the Servers that select it. */
export function podKey(id: string): string {
  return `pod ${id}`;
}
