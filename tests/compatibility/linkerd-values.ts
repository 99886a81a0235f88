// Values of Linkerd's charts (edge releases of 2.x), by path.

const AMOUNTS = "cpu.limit cpu.request memory.limit memory.request " +
  "ephemeral-storage.limit ephemeral-storage.request";
const PROBES = "livenessProbe.timeoutSeconds readinessProbe.timeoutSeconds";
const ENVIRONMENT = "additionalEnv experimentalEnv";
const ARGUMENTS = "additionalArgs experimentalArgs";
const SERVED =
  "externalSecret crtPEM keyPEM caBundle injectCaFrom injectCaFromSecret";
const WEBHOOK = `${SERVED} namespaceSelector`;

/** Names below a key; the empty key is the top. */
const BELOW: Readonly<Record<string, string>> = {
  "": "cliVersion linkerdVersion clusterDomain clusterNetworks cniEnabled " +
    "commonLabels configReaders controllerImage controllerImageVersion " +
    "controllerLogFormat controllerLogLevel controllerReplicas " +
    "controllerUID controllerGID disableHeartBeat disableIPv6 " +
    "enableEndpointSlices enableH2Upgrade enablePSP enablePodAntiAffinity " +
    "enablePodDisruptionBudget enablePprof heartbeat heartbeatResources " +
    "heartbeatSchedule highAvailability identityTrustAnchorsPEM " +
    "identityTrustDomain imagePullPolicy imagePullSecrets nodeAffinity " +
    "nodeSelector podAnnotations podLabels priorityClassName prometheusUrl " +
    "revisionHistoryLimit runtimeClassName tolerations webhookFailurePolicy " +
    "installGatewayAPI enableHttpRoutes enableTlsRoutes enableTcpRoutes",
  controller: "podDisruptionBudget.maxUnavailable tracing.enabled " +
    "tracing.collector.endpoint",
  "debugContainer.image": "name version pullPolicy",
  "deploymentStrategy.rollingUpdate": "maxSurge maxUnavailable",
  destinationController: `${ARGUMENTS} ${ENVIRONMENT} ${PROBES} ` +
    "meshedHttp2ClientProtobuf podAnnotations",
  destinationProxyResources: `cores ${AMOUNTS}`,
  destinationResources: AMOUNTS,
  egress: "globalEgressNetworkNamespace",
  identity: `${ENVIRONMENT} ${PROBES} externalCA podAnnotations ` +
    "issuer.clockSkewAllowance issuer.issuanceLifetime issuer.scheme " +
    "issuer.tls.crtPEM issuer.tls.keyPEM kubeAPI.clientBurst " +
    "kubeAPI.clientQPS serviceAccountTokenProjection",
  identityProxyResources: `cores ${AMOUNTS}`,
  identityResources: AMOUNTS,
  kubeAPI: "clientBurst clientQPS",
  networkValidator:
    "connectAddr enableSecurityContext listenAddr logFormat logLevel timeout",
  podMonitor: "enabled labels scrapeInterval scrapeTimeout " +
    "controller.enabled proxy.enabled serviceMirror.enabled",
  policyController: `${ARGUMENTS} ${PROBES} logLevel probeNetworks`,
  "policyController.resources": AMOUNTS,
  policyValidator: WEBHOOK,
  profileValidator: WEBHOOK,
  proxy: "accessLog additionalEnv experimentalEnv await cores " +
    "control.streams.idleTimeout control.streams.initialTimeout " +
    "control.streams.lifetime defaultInboundPolicy " +
    "disableInboundProtocolDetectTimeout " +
    "disableOutboundProtocolDetectTimeout enableExternalProfiles " +
    "enableShutdownEndpoint gid uid inbound outbound inboundConnectTimeout " +
    "outboundConnectTimeout inboundDiscoveryCacheUnusedTimeout " +
    "outboundDiscoveryCacheUnusedTimeout isGateway isIngress logFormat " +
    "logHTTPHeaders logLevel metrics.hostnameLabels nativeSidecar " +
    "opaquePorts outboundTransportMode podInboundPorts " +
    "requireIdentityOnInboundPorts requireTLSOnInboundPorts " +
    "runtime.workers.maximum runtime.workers.maximumCPURatio " +
    "runtime.workers.minimum securityContext shutdownGracePeriod " +
    "waitBeforeExitSeconds",
  "proxy.image": "name version pullPolicy",
  "proxy.livenessProbe": "initialDelaySeconds timeoutSeconds",
  "proxy.ports": "admin control inbound outbound",
  "proxy.readinessProbe": "initialDelaySeconds timeoutSeconds",
  "proxy.resources": AMOUNTS,
  "proxy.startupProbe": "failureThreshold initialDelaySeconds periodSeconds",
  "proxy.tracing": "enabled labels traceServiceName collector.endpoint " +
    "collector.meshIdentity.namespace " +
    "collector.meshIdentity.serviceAccountName",
  proxyInit: "closeWaitTimeoutSecs ignoreInboundPorts ignoreOutboundPorts " +
    "iptablesMode kubeAPIServerPorts logFormat logLevel privileged " +
    "runAsGroup runAsRoot runAsUser skipSubnets xtMountPath.mountPath " +
    "xtMountPath.name",
  proxyInjector: `${WEBHOOK} ${ENVIRONMENT} ${PROBES} objectSelector ` +
    "timeoutSeconds",
  proxyInjectorProxyResources: `cores ${AMOUNTS}`,
  proxyInjectorResources: AMOUNTS,
  spValidator: `${ENVIRONMENT} ${PROBES}`,
  spValidatorResources: AMOUNTS,
  // Of the chart of Linkerd's extension, which this install contains.
  tap: SERVED,
};

/** Every value's path, sorted. */
export const LINKERD_VALUES: readonly string[] = Object.entries(BELOW)
  .flatMap(([key, names]) =>
    names.split(" ").map((name) => key === "" ? name : `${key}.${name}`)
  ).sort();
