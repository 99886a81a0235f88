// Linkerd's command line (edge releases of 2.x): commands and the flags that each takes besides the global ones.

const VALUES = "values set set-string set-file";
const PROXY = "proxy-image image-pull-policy inbound-port outbound-port " +
  "control-port admin-port skip-inbound-ports skip-outbound-ports proxy-uid " +
  "proxy-gid proxy-log-level proxy-cpu-request proxy-cpu-limit " +
  "proxy-memory-request proxy-memory-limit enable-external-profiles " +
  "default-inbound-policy registry proxy-memory proxy-cpu proxy-version";
const CONTROL = "crds output linkerd-cni-enabled controller-log-level ha " +
  "controller-replicas controller-uid controller-gid disable-h2-upgrade " +
  "disable-heartbeat identity-issuance-lifetime " +
  "identity-clock-skew-allowance identity-issuer-certificate-file " +
  "identity-issuer-key-file identity-trust-anchors-file enable-endpoint-slices";
const LINK = "cluster-name namespace api-server-address service-account-name " +
  "gateway-name gateway-namespace selector remote-discovery-selector " +
  "federated-service-selector gateway-addresses gateway-port " +
  "excluded-annotations excluded-labels gateway output";
const TAP = "namespace to to-namespace max-rps scheme method authority path " +
  "selector";

/** Flags of every command, under the empty name; then each command's own. */
export const LINKERD_FLAGS: Readonly<Record<string, string>> = {
  "": "linkerd-namespace cni-namespace kubeconfig context as as-group " +
    "api-addr verbose help",
  authz: "namespace",
  check: "pre crds proxy namespace linkerd-cni-enabled wait output " +
    "expected-version cli-version-override",
  completion: "",
  "diagnostics controller-metrics": "wait",
  "diagnostics endpoints": "output destination-pod token",
  "diagnostics policy": "namespace output destination-pod token",
  "diagnostics profile": "destination-pod token",
  "diagnostics proxy-metrics": "namespace obfuscate",
  identity: "namespace selector",
  inject: `${PROXY} native-sidecar wait-before-exit-seconds ` +
    "require-identity-on-inbound-ports ingress opaque-ports manual " +
    "ignore-cluster enable-debug-sidecar close-wait-timeout output " +
    "disable-identity",
  install: `${CONTROL} ignore-cluster cluster-domain identity-trust-domain ` +
    `identity-external-issuer identity-external-ca ${PROXY} ${VALUES}`,
  "install-cni": "linkerd-version registry proxy-uid proxy-gid inbound-port " +
    "outbound-port control-port admin-port skip-inbound-ports " +
    "skip-outbound-ports redirect-ports cni-image cni-image-version " +
    "cni-log-level dest-cni-net-dir dest-cni-bin-dir use-wait-flag " +
    `priority-class-name ${VALUES}`,
  profile: "template open-api proto namespace ignore-cluster output",
  prune: "output",
  uninject: "output",
  uninstall: "force output",
  upgrade: `${CONTROL} from-manifests force ${PROXY} ${VALUES}`,
  version: "client short proxy namespace",
  "multicluster allow": "service-account-name namespace ignore-cluster output",
  "multicluster check": "output wait timeout proxy namespace",
  "multicluster gateways": "cluster-name wait output",
  "multicluster install":
    "gateway gateway-port gateway-probe-seconds gateway-probe-port " +
    "service-mirror-credentials gateway-service-type " +
    `gateway-healthcheck-nodeport ha wait ignore-cluster output ${VALUES}`,
  "multicluster link": `${LINK} control-plane-version ` +
    `service-mirror-retry-limit log-level log-format registry ha ${VALUES}`,
  "multicluster link-gen": LINK,
  "multicluster uninstall": "output",
  "multicluster unlink": "cluster-name namespace only-controller output",
  "viz allow-scrapes": "namespace",
  "viz authz": "namespace time-window output selector",
  "viz check": "output proxy wait namespace",
  "viz dashboard": "address port show wait",
  "viz edges": "namespace all-namespaces output",
  "viz install": `skip-checks ignore-cluster ha wait output ${VALUES}`,
  "viz list": "namespace all-namespaces",
  "viz profile": "tap tap-duration tap-route-limit namespace output",
  "viz prune": `ha wait output ${VALUES}`,
  "viz routes": "namespace time-window to to-namespace output selector",
  "viz stat": "namespace time-window all-namespaces selector to " +
    "to-namespace from from-namespace output unmeshed",
  "viz stat-inbound": "namespace time-window output prometheusURL",
  "viz stat-outbound": "namespace time-window output prometheusURL",
  "viz tap": `${TAP} output`,
  "viz top": `${TAP} hide-sources routes`,
  "viz uninstall": "output",
};
