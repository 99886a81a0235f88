import {
  DEFAULT_CLUSTER_NETWORKS,
  DEFAULT_OPAQUE_PORTS,
  PORTS,
} from "../../schemas/names.ts";
import type { Flag } from "./flags.ts";

const COMMON = {
  "controller-namespace": {
    help: "namespace of the control plane",
    fallback: "linkerd",
  },
  "identity-trust-domain": {
    help: "realm of workload identities",
    fallback: "cluster.local",
  },
  source: {
    help: "where the world is read from: kube or files",
    fallback: "kube",
  },
  "log-level": { help: "debug, info, warn or error", fallback: "info" },
  "log-format": { help: "plain or json", fallback: "plain" },
} as const satisfies Readonly<Record<string, Flag>>;

/** Flags of `identity`: Linkerd's names and, where it has them, Linkerd's defaults (those of its chart, not its binary). */
export const IDENTITY_FLAGS = {
  addr: { help: "address of Certify", fallback: `:${PORTS.identity}` },
  "admin-addr": {
    help: "address of probes and metrics",
    fallback: ":9990",
    alias: "metrics-addr",
  },
  ...COMMON,
  "identity-issuance-lifetime": {
    help: "how long a certificate lasts",
    fallback: "24h",
  },
  "identity-clock-skew-allowance": {
    help: "added to both ends of that, for clocks that differ",
    fallback: "20s",
  },
  "identity-scheme": {
    help: "names of the issuer's files: linkerd.io/tls or kubernetes.io/tls",
    fallback: "linkerd.io/tls",
  },
  "identity-issuer": {
    help: "folder of the issuer's certificate and key",
    fallback: "/var/run/linkerd/identity/issuer",
  },
  "identity-trust-anchors": {
    help: "file of trust anchors in PEM",
    fallback: "/var/run/linkerd/identity/trust-roots/ca-bundle.crt",
  },
  "token-keys": {
    help: "JWKS file that service-account tokens are verified with",
    fallback: undefined,
  },
} as const satisfies Readonly<Record<string, Flag>>;

/** Flags of `destination`, which serves discovery and policy in one process. */
export const DESTINATION_FLAGS = {
  addr: { help: "address of discovery", fallback: `:${PORTS.destination}` },
  "policy-addr": { help: "address of policy", fallback: `:${PORTS.policy}` },
  "admin-addr": {
    help: "address of probes and metrics",
    fallback: ":9996",
    alias: "metrics-addr",
  },
  ...COMMON,
  "cluster-domain": {
    help: "DNS domain of the cluster",
    fallback: "cluster.local",
  },
  "cluster-networks": {
    help: "networks of Services and Pods",
    fallback: DEFAULT_CLUSTER_NETWORKS,
  },
  "default-policy": {
    help: "inbound policy of ports that nothing else decides on",
    fallback: "all-unauthenticated",
  },
  "probe-networks": {
    help: "networks that the kubelet's probes come from",
    fallback: "0.0.0.0/0,::/0",
  },
  "default-opaque-ports": {
    help: "ports forwarded without parsing",
    fallback: DEFAULT_OPAQUE_PORTS,
  },
  "outbound-transport-mode": {
    help: "transport-header or transparent",
    fallback: "transport-header",
  },
  "enable-h2-upgrade": {
    help: "let proxies carry HTTP/1 over HTTP/2 between them",
    fallback: "true",
    bare: true,
  },
  "enable-ipv6": {
    help: "offer endpoints by IPv6 too",
    fallback: "false",
    bare: true,
  },
  "global-egress-network-namespace": {
    help: "namespace whose EgressNetworks hold for clients of others",
    fallback: "linkerd-egress",
  },
  "allow-l5d-request-headers": {
    help:
      "let requests say in l5d-* headers how they are retried and timed out",
    fallback: "false",
    bare: true,
  },
  "patch-timeout-ms": {
    help: "how long writing a status may take, in milliseconds",
    fallback: "5000",
  },
  manifests: {
    help: "folder of Kubernetes manifests",
    fallback: undefined,
  },
} as const satisfies Readonly<Record<string, Flag>>;

/** Flags of `metrics`. */
export const METRICS_FLAGS = {
  addr: {
    help:
      "address of queries, behind the API server; with --source files it asks nobody who they are, and must be loopback",
    fallback: ":8089",
  },
  "admin-addr": {
    help: "address of probes and metrics",
    fallback: ":9998",
    alias: "metrics-addr",
  },
  source: COMMON.source,
  "log-level": COMMON["log-level"],
  "log-format": COMMON["log-format"],
  "scrape-interval": {
    help: "how often each proxy is asked for its metrics",
    fallback: "10s",
  },
  tls: {
    help: "folder of the certificate and key that the API server is shown",
    fallback: "/var/run/linkerd/tls",
  },
  "prometheus-url": {
    help: "answer from this Prometheus, and scrape nothing",
    fallback: undefined,
  },
  manifests: DESTINATION_FLAGS.manifests,
} as const satisfies Readonly<Record<string, Flag>>;

/** What every webhook has. */
const WEBHOOK = {
  "log-level": COMMON["log-level"],
  "log-format": COMMON["log-format"],
  tls: {
    help: "folder of the webhook's certificate and key",
    fallback: "/var/run/linkerd/tls",
  },
  drain: {
    help: "how long it goes on answering once it is told to end",
    // Until the last node knows that it is not to be asked any more; less than Kubernetes' 30 s until it is killed.
    fallback: "10s",
  },
} as const satisfies Readonly<Record<string, Flag>>;

const webhookPorts = <Addr extends string, Admin extends string>(
  addr: Addr,
  admin: Admin,
) => ({
  addr: { help: "address of the webhook", fallback: addr },
  "admin-addr": {
    help: "address of probes and metrics",
    fallback: admin,
    alias: "metrics-addr",
  },
} as const);

/** Flags of `proxy-injector`. */
export const INJECTOR_FLAGS = {
  ...webhookPorts(":8443", ":9995"),
  "controller-namespace": COMMON["controller-namespace"],
  config: {
    help: "folder of the ConfigMap linkerd-config",
    fallback: "/var/run/linkerd/config",
  },
  "identity-trust-anchors": IDENTITY_FLAGS["identity-trust-anchors"],
  ...WEBHOOK,
} as const satisfies Readonly<Record<string, Flag>>;

/** Flags of `policy-validator`. */
export const POLICY_VALIDATOR_FLAGS = {
  ...webhookPorts(":9443", ":9990"),
  ...WEBHOOK,
} as const satisfies Readonly<Record<string, Flag>>;

/** Flags of `sp-validator`. */
export const SP_VALIDATOR_FLAGS = {
  ...webhookPorts(":8443", ":9997"),
  ...WEBHOOK,
} as const satisfies Readonly<Record<string, Flag>>;
