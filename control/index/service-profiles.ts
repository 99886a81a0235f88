import type { ServiceProfile } from "../../schemas/kube.ts";
import type { ObjectName } from "../views.ts";
import { idOf } from "./keys.ts";
import type { Named } from "./named.ts";

/** ServiceProfiles by their own name and namespace. */
export type ServiceProfiles = Named<ServiceProfile>;

/** The id of the Service that a ServiceProfile is about, which only its name says; null when it is about none. */
export function serviceOfProfile(
  { metadata }: ServiceProfile,
  clusterDomain: string,
): string | null {
  const suffix = `.svc.${clusterDomain}`;
  if (!metadata.name.endsWith(suffix)) return null;
  const [name = "", namespace = "", ...rest] = metadata.name
    .slice(0, -suffix.length).split(".");
  return rest.length > 0 || namespace === "" ? null : idOf({ namespace, name });
}

/** The ServiceProfile in force for a Service: the client's own namespace may overrule the Service's. */
export function serviceProfileOf(
  service: ObjectName,
  clientNamespace: string | null,
  profiles: ServiceProfiles,
  clusterDomain: string,
): ServiceProfile | null {
  const name = `${service.name}.${service.namespace}.svc.${clusterDomain}`;
  const ofClient = clientNamespace === null
    ? undefined
    : profiles.byId.get(idOf({ namespace: clientNamespace, name }));
  return ofClient ??
    profiles.byId.get(idOf({ namespace: service.namespace, name })) ?? null;
}
