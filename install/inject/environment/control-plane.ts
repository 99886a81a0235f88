import { PORTS } from "../../../schemas/names.ts";
import type { Sidecar } from "../environment.ts";
import { type EnvVar, set } from "./variable.ts";

/** Where the proxy asks what is where and who may call. */
export function discovery(sidecar: Sidecar): EnvVar[] {
  const { clusterNetworks, proxy } = sidecar.values;
  return [
    set(
      "LINKERD2_PROXY_DESTINATION_SVC_ADDR",
      apiAddress("destination", sidecar),
    ),
    set("LINKERD2_PROXY_DESTINATION_PROFILE_NETWORKS", clusterNetworks),
    set("LINKERD2_PROXY_POLICY_SVC_ADDR", apiAddress("policy", sidecar)),
    set(
      "LINKERD2_PROXY_POLICY_WORKLOAD",
      '{"ns":"$(_pod_ns)", "pod":"$(_pod_name)"}\n',
    ),
    set("LINKERD2_PROXY_INBOUND_DEFAULT_POLICY", proxy.defaultInboundPolicy),
    set("LINKERD2_PROXY_POLICY_CLUSTER_NETWORKS", clusterNetworks),
  ];
}

/** By API of the control plane, its Service and the component that answers it. */
const APIS = {
  destination: { service: "linkerd-dst-headless", by: "destination" },
  policy: { service: "linkerd-policy", by: "destination" },
  identity: { service: "linkerd-identity-headless", by: "identity" },
} as const;

/** `host:port` of an API of the control plane; on localhost for the component that answers it itself. */
export function apiAddress(
  api: keyof typeof APIS,
  { values, namespace, component }: Sidecar,
): string {
  const { service, by } = APIS[api];
  const host = component === by
    ? "localhost."
    : `${service}.${namespace}.svc.${values.clusterDomain}.`;
  return `${host}:${PORTS[api]}`;
}
