/** Ports, labels, annotations and audiences that users and Linkerd's own components know; each said once. */

export const PORTS = {
  outbound: 4140,
  inbound: 4143,
  tap: 4190,
  admin: 4191,
  identity: 8080,
  destination: 8086,
  policy: 8090,
} as const;

/** Where names of ServiceImports end (KEP-1645). */
export const CLUSTER_SET_DOMAIN = "clusterset.local";

/** The user every proxy runs as; its packets are exempt from redirection. */
export const PROXY_UID = 2102;

export const TOKEN_AUDIENCE = "identity.l5d.io";

/** ALPN protocol and preface of the transport header. */
export const TRANSPORT_PROTOCOL = "transport.l5d.io/v1";

export const LABELS = {
  controlPlaneNamespace: "linkerd.io/control-plane-ns",
  controlPlaneComponent: "linkerd.io/control-plane-component",
  workloadNamespace: "linkerd.io/workload-ns",
  isControlPlane: "linkerd.io/is-control-plane",
  proxyDeployment: "linkerd.io/proxy-deployment",
  admissionWebhooks: "config.linkerd.io/admission-webhooks",
  podSecurity: "pod-security.kubernetes.io/enforce",
  serviceName: "kubernetes.io/service-name",
  importedService: "multicluster.kubernetes.io/service-name",
  podTemplateHash: "pod-template-hash",
} as const;

export const ANNOTATIONS = {
  inject: "linkerd.io/inject",
  createdBy: "linkerd.io/created-by",
  proxyVersion: "linkerd.io/proxy-version",
  trustRootSha256: "linkerd.io/trust-root-sha256",
  opaquePorts: "config.linkerd.io/opaque-ports",
  skipInboundPorts: "config.linkerd.io/skip-inbound-ports",
  skipOutboundPorts: "config.linkerd.io/skip-outbound-ports",
  defaultInboundPolicy: "config.linkerd.io/default-inbound-policy",
  requireIdentityPorts:
    "config.linkerd.io/proxy-require-identity-inbound-ports",
  tapEnabled: "viz.linkerd.io/tap-enabled",
  disableTap: "viz.linkerd.io/disable-tap",
  gatewayIdentity: "mirror.linkerd.io/remote-gateway-identity",
  remoteServiceName: "mirror.linkerd.io/remote-svc-fq-name",
} as const;

/** How clients call: on Services, ServiceImports and EgressNetworks, and the first seven on their routes as well. */
export const TRAFFIC_ANNOTATIONS = {
  timeoutRequest: "timeout.linkerd.io/request",
  timeoutResponse: "timeout.linkerd.io/response",
  timeoutIdle: "timeout.linkerd.io/idle",
  retryHttp: "retry.linkerd.io/http",
  retryGrpc: "retry.linkerd.io/grpc",
  retryLimit: "retry.linkerd.io/limit",
  retryTimeout: "retry.linkerd.io/timeout",
  failureAccrual: "balancer.linkerd.io/failure-accrual",
  maxFailures: "balancer.linkerd.io/failure-accrual-consecutive-max-failures",
  minPenalty: "balancer.linkerd.io/failure-accrual-consecutive-min-penalty",
  maxPenalty: "balancer.linkerd.io/failure-accrual-consecutive-max-penalty",
  jitterRatio: "balancer.linkerd.io/failure-accrual-consecutive-jitter-ratio",
  successRateThreshold:
    "balancer.alpha.linkerd.io/failure-accrual-success-rate-threshold",
  successRateWindow:
    "balancer.alpha.linkerd.io/failure-accrual-success-rate-window",
  successRateMinRequests:
    "balancer.alpha.linkerd.io/failure-accrual-success-rate-min-requests",
  honorRetryAfter:
    "balancer.alpha.linkerd.io/failure-accrual-honor-retry-after",
  penalizeFailures: "balancer.alpha.linkerd.io/penalize-failures",
  penalty: "balancer.alpha.linkerd.io/load-biaser-penalty",
  maxRetryAfter: "balancer.alpha.linkerd.io/load-biaser-max-retry-after",
} as const;

/** Ports whose protocols speak first from the server, opaque unless a user says otherwise (Linkerd chart 2.x). */
export const DEFAULT_OPAQUE_PORTS = "25,587,3306,4444,5432,6379,9300,11211";

/** Private ranges in which Services and Pods live (Linkerd chart 2.x). */
export const DEFAULT_CLUSTER_NETWORKS =
  "10.0.0.0/8,100.64.0.0/10,172.16.0.0/12,192.168.0.0/16,fd00::/8";

/** The words that say who may call a port nobody wrote a policy for. */
export const INBOUND_POLICIES = [
  "all-unauthenticated",
  "all-authenticated",
  "cluster-unauthenticated",
  "cluster-authenticated",
  "deny",
  "audit",
] as const;
