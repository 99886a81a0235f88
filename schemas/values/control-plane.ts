import Type from "typebox";
import {
  Block,
  ComponentResources,
  EnvironmentList,
  Flag,
  KubeObject,
  ProxyResources,
  Seconds,
  Share,
  Text,
  Texts,
  UserId,
} from "./parts.ts";

const Args = Type.Array(Text, { description: "a list of strings" });
const Environment = {
  additionalEnv: Type.Optional(EnvironmentList),
  experimentalEnv: Type.Optional(EnvironmentList),
};
const Arguments = {
  additionalArgs: Type.Optional(Args),
  experimentalArgs: Type.Optional(Args),
};
const Probes = {
  livenessProbe: Block({ timeoutSeconds: Seconds }),
  readinessProbe: Block({ timeoutSeconds: Seconds }),
};

/** Certificate of what the API server calls; empty texts mean that we make the certificate. */
const ServedFields = {
  externalSecret: Flag,
  crtPEM: Text,
  keyPEM: Text,
  caBundle: Text,
  injectCaFrom: Text,
  injectCaFromSecret: Text,
};

/** An admission webhook. */
const WebhookFields = { ...ServedFields, namespaceSelector: KubeObject };

const Tracing = Block({
  enabled: Type.Literal(false, {
    description: "false: only proxies can send traces",
  }),
  collector: Block({ endpoint: Text }),
});

const PodMonitor = Block({
  enabled: Flag,
  scrapeInterval: Text,
  scrapeTimeout: Text,
  labels: Texts,
  controller: Block({ enabled: Flag }),
  serviceMirror: Block({ enabled: Flag }),
  proxy: Block({ enabled: Flag }),
});

/** How often a component may call the API server. */
const ClientLimits = Block({
  clientQPS: Type.Integer({ minimum: 1 }),
  clientBurst: Type.Integer({ minimum: 1 }),
});

const IdentitySchema = Block({
  externalCA: Flag,
  serviceAccountTokenProjection: Flag,
  issuer: Block({
    scheme: Type.Enum(["linkerd.io/tls", "kubernetes.io/tls"]),
    issuanceLifetime: Text,
    clockSkewAllowance: Text,
    tls: Block({ crtPEM: Text, keyPEM: Text }),
  }),
  kubeAPI: ClientLimits,
  podAnnotations: Texts,
  ...Probes,
  ...Environment,
});

/** Top-level keys that only the control plane reads; `injectionFields` has the others. */
export const controlPlaneFields = {
  /** What goes into `linkerd.io/created-by`. */
  cliVersion: Text,
  highAvailability: Flag,

  controller: Block({
    podDisruptionBudget: Block({ maxUnavailable: Share }),
    tracing: Tracing,
  }),
  controllerImage: Text,
  /** Empty: the version of the install. */
  controllerImageVersion: Text,
  controllerLogLevel: Type.Enum([
    "panic",
    "fatal",
    "error",
    "warn",
    "info",
    "debug",
    "trace",
  ]),
  controllerLogFormat: Type.Enum(["plain", "json"]),
  controllerReplicas: Type.Integer({
    minimum: 1,
    description: "a whole number from 1",
  }),
  controllerUID: UserId,
  controllerGID: UserId,
  imagePullSecrets: Type.Array(Block({ name: Text }), {
    description: "a list of maps with a name",
  }),

  commonLabels: Texts,
  podLabels: Texts,
  podAnnotations: Texts,
  nodeSelector: Type.Optional(Texts),
  nodeAffinity: Type.Optional(KubeObject),
  tolerations: Type.Optional(Type.Array(KubeObject, {
    description: "a list of Kubernetes Toleration objects",
  })),
  priorityClassName: Text,
  runtimeClassName: Text,
  revisionHistoryLimit: Type.Integer({ minimum: 0 }),
  deploymentStrategy: Block({
    rollingUpdate: Block({ maxUnavailable: Share, maxSurge: Share }),
  }),
  enablePodAntiAffinity: Flag,
  enablePodDisruptionBudget: Flag,
  podMonitor: PodMonitor,

  enableEndpointSlices: Type.Literal(true, {
    description: "true: discovery reads EndpointSlices and nothing else",
  }),
  enableH2Upgrade: Type.Literal(true, {
    description: "true: HTTP/1 always crosses between proxies as HTTP/2",
  }),
  enablePSP: Type.Literal(false, {
    description: "false: Kubernetes has no PodSecurityPolicy since 1.25",
  }),
  enablePprof: Type.Literal(false, {
    description: "false: our components have no pprof endpoint",
  }),

  identity: IdentitySchema,
  identityResources: Type.Optional(ComponentResources),
  identityProxyResources: Type.Optional(ProxyResources),

  destinationController: Block({
    /** Parameters of HTTP/2 between proxies, as the proxy API's message has them. */
    meshedHttp2ClientProtobuf: KubeObject,
    podAnnotations: Texts,
    ...Probes,
    ...Arguments,
    ...Environment,
  }),
  destinationResources: Type.Optional(ComponentResources),
  destinationProxyResources: Type.Optional(ProxyResources),
  spValidator: Block({ ...Probes, ...Environment }),
  spValidatorResources: Type.Optional(ComponentResources),
  policyController: Block({
    logLevel: Text,
    probeNetworks: Type.Array(Text, { description: "a list of networks" }),
    resources: Type.Optional(ComponentResources),
    ...Probes,
    ...Arguments,
  }),
  egress: Block({ globalEgressNetworkNamespace: Text }),

  proxyInjector: Block({
    ...WebhookFields,
    objectSelector: KubeObject,
    timeoutSeconds: Type.Integer({
      minimum: 1,
      maximum: 30,
      description: "a whole number of seconds from 1 to 30",
    }),
    ...Probes,
    ...Environment,
  }),
  proxyInjectorResources: Type.Optional(ComponentResources),
  proxyInjectorProxyResources: Type.Optional(ProxyResources),
  profileValidator: Block(WebhookFields),
  policyValidator: Block(WebhookFields),
  /** Of metrics and live requests; the names are those of Linkerd's extension. */
  tap: Block(ServedFields),
  webhookFailurePolicy: Type.Enum(["Ignore", "Fail"]),

  kubeAPI: Type.Optional(ClientLimits),
  prometheusUrl: Text,
  configReaders: Type.Optional(Type.Array(
    Block({ name: Text, namespace: Text }),
    { description: "a list of service accounts: name and namespace" },
  )),

  /** Linkerd's CronJob that reports to its makers; there is none here, so these change nothing (design D1). */
  disableHeartBeat: Type.Optional(Flag),
  heartbeat: Type.Optional(KubeObject),
  heartbeatResources: Type.Optional(KubeObject),
  heartbeatSchedule: Type.Optional(Text),
};

const NotStandard = Type.Literal(false, {
  description:
    "false: only HTTPRoute and GRPCRoute are printed here; apply others from the Gateway API's experimental channel",
});

/** Keys of the CRDs' own chart. */
export const crdFields = {
  installGatewayAPI: Type.Optional(Flag),
  enableHttpRoutes: Type.Optional(Flag),
  enableTlsRoutes: Type.Optional(NotStandard),
  enableTcpRoutes: Type.Optional(NotStandard),
};
