import type { ObjectName } from "../views.ts";

/** The text that names an object of a kind within an index: `namespace/name`. */
export function idOf({ namespace, name }: ObjectName): string {
  return `${namespace}/${name}`;
}

/** Changes with the Service, its slices, and the workloads and Servers behind them. */
export function serviceKey(id: string): string {
  return `service ${id}`;
}

/** Changes with the ServiceImport, its slices, and the Pods and Servers behind them. */
export function importKey(id: string): string {
  return `import ${id}`;
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

/** Changes with what proxies are told of how to call an object, by its `objectKey`. */
export function policyKey(object: string): string {
  return `policy of ${object}`;
}

/** The same by an address of the object. */
export function policyIpKey(ip: string): string {
  return `policy of ip ${ip}`;
}

/** Changes with every EgressNetwork and its routes: which of them an address is in, all of them decide. */
export const EGRESS_KEY = "egress";
