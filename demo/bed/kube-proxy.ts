import { SERVICE_NETWORK } from "./layout.ts";
import type { ServiceView } from "./services.ts";

/**
 * What kube-proxy does on a node, as input of `iptables-restore`, which replaces both tables in one step: a new
 * connection to a service's address goes to a random ready endpoint, and is refused when there is none. Connections
 * that exist keep their endpoint.
 */
export function formatServiceRules(services: readonly ServiceView[]): string {
  const endpoints = services.flatMap(({ clusterIp, ports }) =>
    clusterIp === null ? [] : ports.flatMap((port) => port.endpoints)
  );
  const ips = new Set(endpoints.map((endpoint) => endpoint.split(":")[0]));
  return [
    "*nat",
    ":SERVICES - [0:0]",
    "-A PREROUTING -j SERVICES",
    "-A OUTPUT -j SERVICES",
    ...services.flatMap(formatService),
    // A pod that reaches itself through a service would drop its own address as a source.
    ...[...ips].map((ip) => `-A POSTROUTING -s ${ip} -d ${ip} -j MASQUERADE`),
    "COMMIT",
    "*filter",
    `-A FORWARD -d ${SERVICE_NETWORK} -j REJECT`,
    "COMMIT",
    "",
  ].join("\n");
}

function formatService(service: ServiceView): string[] {
  const { clusterIp } = service;
  if (clusterIp === null) return [];
  return service.ports.flatMap(({ port, endpoints }) =>
    endpoints.map((endpoint, index) => {
      // The first of n is taken with 1/n, the next with 1/(n-1) of what is left, and so on: all alike.
      const left = endpoints.length - index;
      const chance = left === 1
        ? ""
        : `-m statistic --mode random --probability ${(1 / left).toFixed(10)} `;
      return `-A SERVICES -d ${clusterIp} -p tcp --dport ${port} ${chance}` +
        `-j DNAT --to-destination ${endpoint}`;
    })
  );
}
