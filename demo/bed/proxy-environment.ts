import {
  ANNOTATIONS,
  DEFAULT_CLUSTER_NETWORKS,
  DEFAULT_OPAQUE_PORTS,
  PORTS,
} from "../../schemas/names.ts";
import { formatIdentity, type Realm } from "../../schemas/identity.ts";

/** The mesh that beds make. */
export const REALM: Realm = {
  controlNamespace: "linkerd",
  trustDomain: "cluster.local",
};

/** What an injector would know of the pod. */
export interface ProxyFacts {
  readonly name: string;
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly ip: string;
  readonly ports: readonly number[];
  readonly annotations: Readonly<Record<string, string>>;
  readonly identityDir: string;
  readonly tokenFile: string;
  readonly trustAnchorsPem: string;
  /** Control APIs that listen in this very pod and are reached over loopback. */
  readonly local: readonly ControlApi[];
}

export type ControlApi = "identity" | "destination" | "policy";

/** The proxy's environment as Linkerd's injector writes it, names and values alike. */
export function proxyEnvironment(pod: ProxyFacts): Record<string, string> {
  const { name, namespace, serviceAccount } = pod;
  const control = (account: string) =>
    formatIdentity({ serviceAccount: account, namespace: "linkerd" }, REALM);
  const address = (api: ControlApi, service: string) =>
    (pod.local.includes(api)
      ? "localhost."
      : `${service}.linkerd.svc.cluster.local.`) + `:${PORTS[api]}`;
  const values: Record<string, string> = {
    CORES: "1",
    SHUTDOWN_ENDPOINT_ENABLED: "false",
    LOG: "warn,linkerd=info",
    LOG_FORMAT: "plain",
    DESTINATION_SVC_ADDR: address("destination", "linkerd-dst-headless"),
    DESTINATION_SVC_NAME: control("linkerd-destination"),
    DESTINATION_PROFILE_NETWORKS: DEFAULT_CLUSTER_NETWORKS,
    DESTINATION_PROFILE_SUFFIXES: "svc.cluster.local.",
    DESTINATION_CONTEXT:
      JSON.stringify({ ns: namespace, nodeName: "bed", pod: name }) + "\n",
    POLICY_SVC_ADDR: address("policy", "linkerd-policy"),
    POLICY_SVC_NAME: control("linkerd-destination"),
    POLICY_WORKLOAD: JSON.stringify({ ns: namespace, pod: name }) + "\n",
    POLICY_CLUSTER_NETWORKS: DEFAULT_CLUSTER_NETWORKS,
    INBOUND_DEFAULT_POLICY: pod.annotations[ANNOTATIONS.defaultInboundPolicy] ??
      "all-unauthenticated",
    CONTROL_STREAM_INITIAL_TIMEOUT: "3s",
    CONTROL_STREAM_IDLE_TIMEOUT: "5m",
    CONTROL_STREAM_LIFETIME: "1h",
    INBOUND_CONNECT_TIMEOUT: "100ms",
    OUTBOUND_CONNECT_TIMEOUT: "1000ms",
    OUTBOUND_DISCOVERY_IDLE_TIMEOUT: "5s",
    INBOUND_DISCOVERY_IDLE_TIMEOUT: "90s",
    CONTROL_LISTEN_ADDR: `0.0.0.0:${PORTS.tap}`,
    ADMIN_LISTEN_ADDR: `0.0.0.0:${PORTS.admin}`,
    OUTBOUND_LISTEN_ADDRS: `127.0.0.1:${PORTS.outbound}`,
    INBOUND_LISTEN_ADDR: `0.0.0.0:${PORTS.inbound}`,
    INBOUND_IPS: pod.ip,
    INBOUND_PORTS: [...pod.ports].map(String).sort().join(","),
    INBOUND_PORTS_DISABLE_PROTOCOL_DETECTION:
      pod.annotations[ANNOTATIONS.opaquePorts] ??
        DEFAULT_OPAQUE_PORTS,
    INBOUND_ACCEPT_KEEPALIVE: "10000ms",
    OUTBOUND_CONNECT_KEEPALIVE: "10000ms",
    INBOUND_ACCEPT_USER_TIMEOUT: "30s",
    OUTBOUND_CONNECT_USER_TIMEOUT: "30s",
    IDENTITY_DIR: pod.identityDir,
    IDENTITY_TRUST_ANCHORS: pod.trustAnchorsPem,
    IDENTITY_TOKEN_FILE: pod.tokenFile,
    IDENTITY_SVC_ADDR: address("identity", "linkerd-identity-headless"),
    IDENTITY_SVC_NAME: control("linkerd-identity"),
    IDENTITY_LOCAL_NAME: formatIdentity({ serviceAccount, namespace }, REALM),
    ...isTapped(pod.annotations)
      ? { TAP_SVC_NAME: control("linkerd-metrics") }
      : {},
  };
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [
      `LINKERD2_PROXY_${key}`,
      value,
    ]),
  );
}

/** Whether the pod's requests may be shown. */
export function isTapped(
  annotations: Readonly<Record<string, string>>,
): boolean {
  return annotations[ANNOTATIONS.disableTap] !== "true";
}
