import { PORTS } from "../../schemas/names.ts";
import type {
  InjectionValues,
  ProxyValues,
} from "../../schemas/values/proxy.ts";
import type { EnvVar } from "./forms.ts";

/** A pod that runs a proxy, as the proxy must know it. */
export interface Sidecar {
  readonly values: InjectionValues;
  /** The control plane's namespace. */
  readonly namespace: string;
  /** Every port the pod's own containers listen on, joined by commas. */
  readonly inboundPorts: string;
  /** Set for the control plane's own pods: they find their neighbours on localhost, and their anchors in a ConfigMap. */
  readonly component?:
    | "identity"
    | "destination"
    | "proxy-injector"
    | "metrics";
  /** Whether the metrics component may show the pod's requests. */
  readonly isTapped: boolean;
}

/** Where the proxy keeps its key and certificate, and its token. */
export const END_ENTITY_PATH = "/var/run/linkerd/identity/end-entity";
export const TOKEN_PATH = "/var/run/secrets/tokens";
const PODINFO_PATH = "/var/run/linkerd/podinfo";

/** Keep-alive and user timeout of TCP connections (Linkerd chart 2.x). */
const KEEPALIVE = "10000ms";
const USER_TIMEOUT = "30s";
/** How Linkerd spells "never" for protocol detection. */
const NEVER = "365d";

/**
 * The proxy's environment in Linkerd's order, which matters: `$(name)` sees only variables before it.
 * A value of undefined leaves its variable out.
 */
export function proxyEnvironment(sidecar: Sidecar): EnvVar[] {
  const { proxy } = sidecar.values;
  const groups = [
    about(),
    runtime(proxy),
    discovery(sidecar),
    timeouts(proxy),
    addresses(sidecar),
    connections(proxy),
    tracing(sidecar),
    parameters("INBOUND", proxy.inbound),
    parameters("OUTBOUND", proxy.outbound),
    identity(sidecar),
  ];
  return [
    ...groups.flat().filter(isSet),
    ...(proxy.additionalEnv ?? []),
    ...(proxy.experimentalEnv ?? []),
  ];
}

type Entry = EnvVar | { readonly name: string; readonly value: undefined };

function isSet(entry: Entry): entry is EnvVar {
  return !("value" in entry) || entry.value !== undefined;
}

function set(name: string, value: string | number | boolean): Entry {
  return { name, value: String(value) };
}

/** A variable that is left out when it has nothing to say. */
function optional(name: string, value: string | number | undefined): Entry {
  return value === undefined || value === ""
    ? { name, value: undefined }
    : { name, value: String(value) };
}

function field(name: string, fieldPath: string): Entry {
  return { name, valueFrom: { fieldRef: { fieldPath } } };
}

function about(): Entry[] {
  return [
    field("_pod_name", "metadata.name"),
    field("_pod_ns", "metadata.namespace"),
    field("_pod_uid", "metadata.uid"),
    field("_pod_ip", "status.podIP"),
    field("_pod_nodeName", "spec.nodeName"),
    set("_pod_containerName", "linkerd-proxy"),
  ];
}

function runtime(proxy: ProxyValues): Entry[] {
  const { workers } = proxy.runtime;
  const least = proxy.cores ?? workers.minimum;
  const headers = proxy.logHTTPHeaders === "insecure"
    ? ""
    : ",[{headers}]=off,[{request}]=off";
  return [
    set("LINKERD2_PROXY_CORES", least),
    set("LINKERD2_PROXY_CORES_MIN", least),
    optional("LINKERD2_PROXY_CORES_MAX", workers.maximum),
    optional("LINKERD2_PROXY_CORES_MAX_RATIO", workers.maximumCPURatio),
    optional(
      "LINKERD2_PROXY_INBOUND_PORTS_REQUIRE_IDENTITY",
      proxy.requireIdentityOnInboundPorts,
    ),
    optional(
      "LINKERD2_PROXY_INBOUND_PORTS_REQUIRE_TLS",
      proxy.requireTLSOnInboundPorts,
    ),
    set(
      "LINKERD2_PROXY_SHUTDOWN_ENDPOINT_ENABLED",
      proxy.enableShutdownEndpoint,
    ),
    set("LINKERD2_PROXY_LOG", proxy.logLevel + headers),
    set("LINKERD2_PROXY_LOG_FORMAT", proxy.logFormat),
  ];
}

function discovery({ values, namespace, component }: Sidecar): Entry[] {
  const domain = `${namespace}.svc.${values.clusterDomain}.`;
  const local = component === "destination";
  return [
    set(
      "LINKERD2_PROXY_DESTINATION_SVC_ADDR",
      `${
        local ? "localhost." : `linkerd-dst-headless.${domain}`
      }:${PORTS.destination}`,
    ),
    set("LINKERD2_PROXY_DESTINATION_PROFILE_NETWORKS", values.clusterNetworks),
    set(
      "LINKERD2_PROXY_POLICY_SVC_ADDR",
      `${local ? "localhost." : `linkerd-policy.${domain}`}:${PORTS.policy}`,
    ),
    set(
      "LINKERD2_PROXY_POLICY_WORKLOAD",
      '{"ns":"$(_pod_ns)", "pod":"$(_pod_name)"}\n',
    ),
    set(
      "LINKERD2_PROXY_INBOUND_DEFAULT_POLICY",
      values.proxy.defaultInboundPolicy,
    ),
    set("LINKERD2_PROXY_POLICY_CLUSTER_NETWORKS", values.clusterNetworks),
  ];
}

function timeouts(proxy: ProxyValues): Entry[] {
  const { streams } = proxy.control;
  const detect = (disabled: boolean) => disabled ? NEVER : undefined;
  return [
    set(
      "LINKERD2_PROXY_CONTROL_STREAM_INITIAL_TIMEOUT",
      streams.initialTimeout,
    ),
    set("LINKERD2_PROXY_CONTROL_STREAM_IDLE_TIMEOUT", streams.idleTimeout),
    set("LINKERD2_PROXY_CONTROL_STREAM_LIFETIME", streams.lifetime),
    set("LINKERD2_PROXY_INBOUND_CONNECT_TIMEOUT", proxy.inboundConnectTimeout),
    set(
      "LINKERD2_PROXY_OUTBOUND_CONNECT_TIMEOUT",
      proxy.outboundConnectTimeout,
    ),
    set(
      "LINKERD2_PROXY_OUTBOUND_DISCOVERY_IDLE_TIMEOUT",
      proxy.outboundDiscoveryCacheUnusedTimeout,
    ),
    set(
      "LINKERD2_PROXY_INBOUND_DISCOVERY_IDLE_TIMEOUT",
      proxy.inboundDiscoveryCacheUnusedTimeout,
    ),
    optional(
      "LINKERD2_PROXY_OUTBOUND_DETECT_TIMEOUT",
      detect(proxy.disableOutboundProtocolDetectTimeout),
    ),
    optional(
      "LINKERD2_PROXY_INBOUND_DETECT_TIMEOUT",
      detect(proxy.disableInboundProtocolDetectTimeout),
    ),
  ];
}

function addresses({ values, inboundPorts }: Sidecar): Entry[] {
  const { ports, isGateway, isIngress, enableExternalProfiles } = values.proxy;
  const any = values.disableIPv6 ? "0.0.0.0" : "[::]";
  const outbound = `127.0.0.1:${ports.outbound}`;
  const services = `svc.${values.clusterDomain}.`;
  return [
    set("LINKERD2_PROXY_CONTROL_LISTEN_ADDR", `${any}:${ports.control}`),
    set("LINKERD2_PROXY_ADMIN_LISTEN_ADDR", `${any}:${ports.admin}`),
    set("LINKERD2_PROXY_OUTBOUND_LISTEN_ADDR", outbound),
    set(
      "LINKERD2_PROXY_OUTBOUND_LISTEN_ADDRS",
      values.disableIPv6 ? outbound : `${outbound},[::1]:${ports.outbound}`,
    ),
    set("LINKERD2_PROXY_INBOUND_LISTEN_ADDR", `${any}:${ports.inbound}`),
    field("LINKERD2_PROXY_INBOUND_IPS", "status.podIPs"),
    set("LINKERD2_PROXY_INBOUND_PORTS", inboundPorts),
    optional(
      "LINKERD2_PROXY_INBOUND_GATEWAY_SUFFIXES",
      isGateway ? services : undefined,
    ),
    optional("LINKERD2_PROXY_INGRESS_MODE", isIngress ? "true" : undefined),
    set(
      "LINKERD2_PROXY_DESTINATION_PROFILE_SUFFIXES",
      enableExternalProfiles ? "." : services,
    ),
  ];
}

function connections(proxy: ProxyValues): Entry[] {
  return [
    set("LINKERD2_PROXY_INBOUND_ACCEPT_KEEPALIVE", KEEPALIVE),
    set("LINKERD2_PROXY_OUTBOUND_CONNECT_KEEPALIVE", KEEPALIVE),
    set("LINKERD2_PROXY_INBOUND_ACCEPT_USER_TIMEOUT", USER_TIMEOUT),
    set("LINKERD2_PROXY_OUTBOUND_CONNECT_USER_TIMEOUT", USER_TIMEOUT),
    set(
      "LINKERD2_PROXY_OUTBOUND_METRICS_HOSTNAME_LABELS",
      proxy.metrics.hostnameLabels,
    ),
  ];
}

function tracing({ values, namespace }: Sidecar): Entry[] {
  const { enabled, traceServiceName, labels, collector } = values.proxy.tracing;
  if (!enabled) return [];
  const { serviceAccountName, namespace: realm } = collector.meshIdentity;
  return [
    set("LINKERD2_PROXY_TRACE_ATTRIBUTES_PATH", `${PODINFO_PATH}/labels`),
    set("LINKERD2_PROXY_TRACE_ANNOTATIONS_PATH", `${PODINFO_PATH}/annotations`),
    set("LINKERD2_PROXY_TRACE_PROTOCOL", "opentelemetry"),
    set("LINKERD2_PROXY_TRACE_SERVICE_NAME", traceServiceName),
    set("LINKERD2_PROXY_TRACE_COLLECTOR_SVC_ADDR", collector.endpoint),
    set(
      "LINKERD2_PROXY_TRACE_COLLECTOR_SVC_NAME",
      identityName(serviceAccountName, realm, namespace, values),
    ),
    set(
      "LINKERD2_PROXY_TRACE_EXTRA_ATTRIBUTES",
      Object.entries(labels).map(([key, value]) => `${key}=${value}\n`).join(
        "",
      ),
    ),
  ];
}

/** Parameters by name: `server.http2.keepAliveInterval` becomes `..._SERVER_HTTP2_KEEP_ALIVE_INTERVAL`. */
function parameters(
  direction: "INBOUND" | "OUTBOUND",
  scopes: ProxyValues["inbound"],
): Entry[] {
  return sorted(scopes).flatMap(([scope, protocols]) =>
    sorted(protocols).flatMap(([protocol, fields]) =>
      sorted(fields).map(([name, value]) =>
        set(
          `LINKERD2_PROXY_${direction}_${upperSnake(scope)}_${
            upperSnake(protocol)
          }_${upperSnake(name)}`,
          value,
        )
      )
    )
  );
}

function sorted<T>(record: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(record).sort(([a], [b]) => a < b ? -1 : 1);
}

function upperSnake(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, "$1_$2").toUpperCase();
}

function identity(sidecar: Sidecar): Entry[] {
  const { values, namespace, component } = sidecar;
  const { proxy, identityTrustAnchorsPEM } = values;
  const anchors = "LINKERD2_PROXY_IDENTITY_TRUST_ANCHORS";
  const domain = `${namespace}.svc.${values.clusterDomain}.`;
  const named = (account: string) =>
    identityName(account, namespace, namespace, values);
  return [
    optional(
      "LINKERD2_PROXY_INBOUND_PORTS_DISABLE_PROTOCOL_DETECTION",
      proxy.opaquePorts,
    ),
    set(
      "LINKERD2_PROXY_DESTINATION_CONTEXT",
      '{"ns":"$(_pod_ns)", "nodeName":"$(_pod_nodeName)", "pod":"$(_pod_name)"}\n',
    ),
    field("_pod_sa", "spec.serviceAccountName"),
    set("_l5d_ns", namespace),
    set("_l5d_trustdomain", trustDomain(values)),
    set("LINKERD2_PROXY_IDENTITY_DIR", END_ENTITY_PATH),
    component === undefined
      ? set(anchors, `${identityTrustAnchorsPEM.trimEnd()}\n`)
      : {
        name: anchors,
        valueFrom: {
          configMapKeyRef: {
            name: "linkerd-identity-trust-roots",
            key: "ca-bundle.crt",
          },
        },
      },
    set(
      "LINKERD2_PROXY_IDENTITY_TOKEN_FILE",
      values.identity.serviceAccountTokenProjection
        ? `${TOKEN_PATH}/linkerd-identity-token`
        : "/var/run/secrets/kubernetes.io/serviceaccount/token",
    ),
    set(
      "LINKERD2_PROXY_IDENTITY_SVC_ADDR",
      `${
        component === "identity"
          ? "localhost."
          : `linkerd-identity-headless.${domain}`
      }:${PORTS.identity}`,
    ),
    set(
      "LINKERD2_PROXY_IDENTITY_LOCAL_NAME",
      identityName("$(_pod_sa)", "$(_pod_ns)", namespace, values),
    ),
    set("LINKERD2_PROXY_IDENTITY_SVC_NAME", named("linkerd-identity")),
    set("LINKERD2_PROXY_DESTINATION_SVC_NAME", named("linkerd-destination")),
    set("LINKERD2_PROXY_POLICY_SVC_NAME", named("linkerd-destination")),
    optional(
      "LINKERD2_PROXY_TAP_SVC_NAME",
      sidecar.isTapped ? named("linkerd-metrics") : undefined,
    ),
    optional("LINKERD2_PROXY_ACCESS_LOG", proxy.accessLog),
    optional("LINKERD2_PROXY_SHUTDOWN_GRACE_PERIOD", proxy.shutdownGracePeriod),
  ];
}

/** The name in a workload's certificate: its service account, as the control plane in `controlPlane` certifies it. */
function identityName(
  account: string,
  namespace: string,
  controlPlane: string,
  values: InjectionValues,
): string {
  return `${account}.${namespace}.serviceaccount.identity.${controlPlane}.${
    trustDomain(values)
  }`;
}

function trustDomain(values: InjectionValues): string {
  return values.identityTrustDomain || values.clusterDomain;
}
