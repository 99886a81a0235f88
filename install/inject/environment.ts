import type {
  InjectionValues,
  ProxyValues,
} from "../../schemas/values/proxy.ts";
import { discovery } from "./environment/control-plane.ts";
import { identity } from "./environment/identity.ts";
import { parameters } from "./environment/parameters.ts";
import { tracing } from "./environment/tracing.ts";
import { type EnvVar, field, optional, set } from "./environment/variable.ts";

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

/** Keep-alive and user timeout of TCP connections (Linkerd chart 2.x). */
const KEEPALIVE = "10000ms";
const USER_TIMEOUT = "30s";
/** How Linkerd spells "never" for protocol detection. */
const NEVER = "365d";

/** The proxy's environment in Linkerd's order, which matters: `$(name)` sees only variables before it. */
export function proxyEnvironment(sidecar: Sidecar): EnvVar[] {
  const { proxy } = sidecar.values;
  const groups = [
    pod(),
    runtime(proxy),
    discovery(sidecar),
    timeouts(proxy),
    addresses(sidecar),
    connections(proxy),
    tracing(sidecar),
    parameters("INBOUND", proxy.inbound),
    parameters("OUTBOUND", proxy.outbound),
    [optional(
      "LINKERD2_PROXY_INBOUND_PORTS_DISABLE_PROTOCOL_DETECTION",
      proxy.opaquePorts,
    )],
    identity(sidecar),
    [
      optional("LINKERD2_PROXY_ACCESS_LOG", proxy.accessLog),
      optional(
        "LINKERD2_PROXY_SHUTDOWN_GRACE_PERIOD",
        proxy.shutdownGracePeriod,
      ),
    ],
  ];
  return [
    ...groups.flat().filter((one) => one !== undefined),
    ...(proxy.additionalEnv ?? []),
    ...(proxy.experimentalEnv ?? []),
  ];
}

function pod(): EnvVar[] {
  return [
    field("_pod_name", "metadata.name"),
    field("_pod_ns", "metadata.namespace"),
    field("_pod_uid", "metadata.uid"),
    field("_pod_ip", "status.podIP"),
    field("_pod_nodeName", "spec.nodeName"),
    set("_pod_containerName", "linkerd-proxy"),
  ];
}

function runtime(proxy: ProxyValues): (EnvVar | undefined)[] {
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

function timeouts(proxy: ProxyValues): (EnvVar | undefined)[] {
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

function addresses({ values, inboundPorts }: Sidecar): (EnvVar | undefined)[] {
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

function connections(proxy: ProxyValues): EnvVar[] {
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
