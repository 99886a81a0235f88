import type { Service, ServiceImport } from "../../schemas/kube.ts";
import { canonicalIp } from "./addresses.ts";
import { idOf } from "./keys.ts";
import { createMultimap, type Multimap } from "./multimap.ts";

/** Services by name and by cluster IP. */
export interface Services {
  readonly byId: ReadonlyMap<string, Service>;
  /** Ids of the Services that have the address. */
  readonly byIp: Pick<Multimap<string>, "get">;
  /** Ids of the Services of a namespace. */
  readonly byNamespace: Pick<Multimap<string>, "get">;
  /** Replaces a Service, or removes it when there is no new one. */
  readonly replace: (
    old: Service | undefined,
    now: Service | undefined,
  ) => void;
}

/** Creates an empty index of Services. */
export function createServices(): Services {
  const byId = new Map<string, Service>();
  const byIp = createMultimap<string>();
  const byNamespace = createMultimap<string>();
  return {
    byId,
    byIp,
    byNamespace,
    replace: (old, now) => {
      if (old !== undefined) {
        const id = idOf(old.metadata);
        byId.delete(id);
        byNamespace.remove(old.metadata.namespace, id);
        for (const ip of clusterIps(old)) byIp.remove(ip, id);
      }
      if (now === undefined) return;
      const id = idOf(now.metadata);
      byId.set(id, now);
      byNamespace.add(now.metadata.namespace, id);
      for (const ip of clusterIps(now)) byIp.add(ip, id);
    },
  };
}

/** All addresses of a Service in canonical text; none for a headless or an external one. */
export function clusterIps(service: Service): readonly string[] {
  const { clusterIP = "", clusterIPs = [], type } = service.spec;
  if (type === "ExternalName") return [];
  const given = [clusterIP, ...clusterIPs].filter((ip) =>
    ip !== "" && ip !== "None"
  );
  return [...new Set(given.map(canonicalIp))];
}

/** The TCP port of that number, if the Service declares it. */
export function servicePort(
  service: Service | ServiceImport,
  port: number,
): NonNullable<Service["spec"]["ports"]>[number] | undefined {
  return service.spec.ports?.find((declared) =>
    declared.port === port && (declared.protocol ?? "TCP") === "TCP"
  );
}
