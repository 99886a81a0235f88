/** Labels and annotations that our manifests carry, each said once. */
export const LABELS = {
  component: "linkerd.io/control-plane-component",
  controlPlaneNamespace: "linkerd.io/control-plane-ns",
  isControlPlane: "linkerd.io/is-control-plane",
  workloadNamespace: "linkerd.io/workload-ns",
  proxyDeployment: "linkerd.io/proxy-deployment",
  admissionWebhooks: "config.linkerd.io/admission-webhooks",
  podSecurity: "pod-security.kubernetes.io/enforce",
} as const;

export const ANNOTATIONS = {
  createdBy: "linkerd.io/created-by",
  inject: "linkerd.io/inject",
  proxyVersion: "linkerd.io/proxy-version",
  trustRootSha256: "linkerd.io/trust-root-sha256",
  defaultInboundPolicy: "config.linkerd.io/default-inbound-policy",
  opaquePorts: "config.linkerd.io/opaque-ports",
} as const;
