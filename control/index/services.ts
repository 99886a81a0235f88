import type { Service, ServiceImport } from "../../schemas/kube.ts";
import { canonicalIp } from "./addresses.ts";

/** All addresses of a Service in canonical text; none for a headless or an external one. */
export function clusterIps({ spec }: Service): readonly string[] {
  const { clusterIP = "", clusterIPs = [], type } = spec;
  if (type === "ExternalName") return [];
  const given = [clusterIP, ...clusterIPs].filter((ip) =>
    ip !== "" && ip !== "None"
  );
  return [...new Set(given.map(canonicalIp))];
}

/** The addresses of a ServiceImport in canonical text. */
export function importIps({ spec }: ServiceImport): readonly string[] {
  return (spec.ips ?? []).filter(Boolean).map(canonicalIp);
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
