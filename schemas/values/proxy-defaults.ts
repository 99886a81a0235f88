import {
  DEFAULT_CLUSTER_NETWORKS,
  DEFAULT_OPAQUE_PORTS,
  PORTS,
  PROXY_UID,
} from "../names.ts";
import { VERSION } from "../version.ts";
import type {
  InjectionValues,
  NetworkValidatorValues,
  ProxyInitValues,
  ProxyValues,
} from "./proxy.ts";

/** Where our images are, unless `--registry` or a value says otherwise; never Linkerd's (design D1). */
export const DEFAULT_REGISTRY = "ghcr.io/linkerd-ts";
export const IMAGES = {
  proxy: `${DEFAULT_REGISTRY}/proxy`,
  controller: `${DEFAULT_REGISTRY}/controller`,
  debug: `${DEFAULT_REGISTRY}/debug`,
} as const;

/** Galera replication (MySQL): peers compare the address they see with the one they know (Linkerd chart 2.x). */
const GALERA_PORTS = "4567,4568";

const PROXY: ProxyValues = {
  image: { name: IMAGES.proxy, version: "", pullPolicy: "" },
  ports: {
    admin: PORTS.admin,
    control: PORTS.tap,
    inbound: PORTS.inbound,
    outbound: PORTS.outbound,
  },
  uid: PROXY_UID,
  gid: -1,
  resources: {
    cpu: { limit: "", request: "" },
    memory: { limit: "", request: "" },
    "ephemeral-storage": { limit: "", request: "" },
  },
  runtime: { workers: { minimum: 1 } },
  nativeSidecar: true,
  await: true,
  waitBeforeExitSeconds: 0,
  shutdownGracePeriod: "",
  enableShutdownEndpoint: false,
  logLevel: "warn,linkerd=info,hickory=error",
  logFormat: "plain",
  logHTTPHeaders: "off",
  accessLog: "",
  defaultInboundPolicy: "all-unauthenticated",
  opaquePorts: DEFAULT_OPAQUE_PORTS,
  podInboundPorts: "",
  requireIdentityOnInboundPorts: "",
  requireTLSOnInboundPorts: "",
  enableExternalProfiles: false,
  isGateway: false,
  isIngress: false,
  outboundTransportMode: "transport-header",
  outboundConnectTimeout: "1000ms",
  inboundConnectTimeout: "100ms",
  outboundDiscoveryCacheUnusedTimeout: "5s",
  inboundDiscoveryCacheUnusedTimeout: "90s",
  disableOutboundProtocolDetectTimeout: false,
  disableInboundProtocolDetectTimeout: false,
  control: {
    streams: { initialTimeout: "3s", idleTimeout: "5m", lifetime: "1h" },
  },
  inbound: {
    server: { http2: { keepAliveInterval: "10s", keepAliveTimeout: "3s" } },
  },
  outbound: {
    server: { http2: { keepAliveInterval: "10s", keepAliveTimeout: "3s" } },
  },
  livenessProbe: { initialDelaySeconds: 10, timeoutSeconds: 1 },
  readinessProbe: { initialDelaySeconds: 2, timeoutSeconds: 1 },
  startupProbe: {
    initialDelaySeconds: 0,
    periodSeconds: 1,
    failureThreshold: 120,
  },
  metrics: { hostnameLabels: false },
  tracing: {
    enabled: false,
    traceServiceName: "linkerd-proxy",
    labels: {
      "k8s.pod.ip": "$(_pod_ip)",
      "k8s.pod.uid": "$(_pod_uid)",
      "k8s.container.name": "$(_pod_containerName)",
    },
    collector: {
      endpoint: "",
      meshIdentity: { serviceAccountName: "", namespace: "" },
    },
  },
  securityContext: {},
};

const PROXY_INIT: ProxyInitValues = {
  iptablesMode: "nft",
  ignoreInboundPorts: GALERA_PORTS,
  ignoreOutboundPorts: GALERA_PORTS,
  kubeAPIServerPorts: "443,6443",
  skipSubnets: "",
  logLevel: "",
  logFormat: "",
  runAsRoot: false,
  runAsUser: 65534,
  runAsGroup: 65534,
  privileged: false,
  closeWaitTimeoutSecs: 0,
  xtMountPath: { mountPath: "/run", name: "linkerd-proxy-init-xtables-lock" },
};

/** Addresses left empty are chosen by IP family when the container is written. */
const NETWORK_VALIDATOR: NetworkValidatorValues = {
  logLevel: "debug",
  logFormat: "plain",
  connectAddr: "",
  listenAddr: "",
  timeout: "10s",
  enableSecurityContext: true,
};

/** What injection does where nobody configured it (defaults of Linkerd's chart 2.x, our images). */
export const INJECTION_DEFAULTS: InjectionValues = {
  linkerdVersion: VERSION,
  clusterDomain: "cluster.local",
  clusterNetworks: DEFAULT_CLUSTER_NETWORKS,
  identityTrustDomain: "",
  identityTrustAnchorsPEM: "",
  imagePullPolicy: "IfNotPresent",
  cniEnabled: false,
  disableIPv6: true,
  proxy: PROXY,
  proxyInit: PROXY_INIT,
  networkValidator: NETWORK_VALIDATOR,
  debugContainer: {
    image: { name: IMAGES.debug, version: "", pullPolicy: "" },
  },
  identity: { serviceAccountTokenProjection: true },
};
