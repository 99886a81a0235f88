import type { OutboundParentKind } from "../../schemas/kube/parents.ts";
import type { Meta, Resource } from "../../schemas/policy.ts";
import { CLUSTER_SET_DOMAIN } from "../../schemas/names.ts";
import type { ObjectName } from "../views.ts";

/** The name under which proxies ask for the endpoints of a Service's port, or of a ServiceImport's. */
export function pathOf(
  kind: Exclude<OutboundParentKind, "EgressNetwork">,
  { name, namespace }: ObjectName,
  port: number,
  clusterDomain: string,
): string {
  const domain = kind === "Service" ? clusterDomain : CLUSTER_SET_DOMAIN;
  return `${name}.${namespace}.svc.${domain}:${port}`;
}

/** An object, as what a policy, route or backend is named after. */
export function resourceOf(
  { group, kind, name, namespace, port }: Omit<Resource, "section">,
): Meta {
  return {
    kind: "resource",
    resource: { group, kind, name, namespace, section: "", port },
  };
}

/** What is built in, as what a policy, route or backend is named after. */
export function defaultMeta(name: string): Meta {
  return { kind: "default", name };
}
