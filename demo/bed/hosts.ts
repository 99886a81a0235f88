import type { ServiceView } from "./services.ts";

/** Longest name first, as cluster DNS knows them; those of other namespaces need at least `<service>.<namespace>`. */
function namesOf(service: ServiceView, seenFrom: string): string[] {
  const name = `${service.name}.${service.namespace}`;
  return [
    `${name}.svc.cluster.local`,
    `${name}.svc`,
    name,
    ...(service.namespace === seenFrom ? [service.name] : []),
  ];
}

/** The hosts file of pods in a namespace: every service's address, or its ready pods' addresses when it has none. */
export function formatHosts(
  services: readonly ServiceView[],
  namespace: string,
): string {
  const lines = services.flatMap((service) => {
    const names = namesOf(service, namespace).join(" ");
    const addresses = service.clusterIp === null
      ? service.ready
      : [service.clusterIp];
    return addresses.map((address) => `${address} ${names}`);
  });
  return ["127.0.0.1 localhost", ...lines, ""].join("\n");
}
