import type { Overrides, Values, WebhookValues } from "../values.ts";
import { IMAGES, INJECTION_DEFAULTS } from "./proxy-defaults.ts";

/** Namespaces whose pods the injector must never see, lest a cluster cannot start without it. */
const NEVER_INJECTED = ["kube-system", "cert-manager"];

const ADMISSION_WANTED = {
  key: "config.linkerd.io/admission-webhooks",
  operator: "NotIn",
  values: ["disabled"],
};

const SERVED = {
  externalSecret: false,
  crtPEM: "",
  keyPEM: "",
  caBundle: "",
  injectCaFrom: "",
  injectCaFromSecret: "",
};

const WEBHOOK: WebhookValues = {
  ...SERVED,
  namespaceSelector: { matchExpressions: [ADMISSION_WANTED] },
};

const PROBES = {
  // Not Linkerd's second: what waits for a processor is not dead (docs/decisions/0126).
  livenessProbe: { timeoutSeconds: 5 },
  readinessProbe: { timeoutSeconds: 1 },
};

/** What an install does when told nothing (defaults of Linkerd's chart 2.x; images, and no heartbeat, are ours). */
export const DEFAULT_VALUES: Values = {
  ...INJECTION_DEFAULTS,
  cliVersion: "",
  highAvailability: false,
  controller: {
    podDisruptionBudget: { maxUnavailable: 1 },
    tracing: { enabled: false, collector: { endpoint: "" } },
  },
  controllerImage: IMAGES.controller,
  controllerImageVersion: "",
  controllerLogLevel: "info",
  controllerLogFormat: "plain",
  controllerReplicas: 1,
  controllerUID: 2103,
  controllerGID: -1,
  imagePullSecrets: [],
  commonLabels: {},
  podLabels: {},
  podAnnotations: {},
  nodeSelector: { "kubernetes.io/os": "linux" },
  priorityClassName: "",
  runtimeClassName: "",
  revisionHistoryLimit: 10,
  deploymentStrategy: {
    rollingUpdate: { maxUnavailable: "25%", maxSurge: "25%" },
  },
  enablePodAntiAffinity: false,
  enablePodDisruptionBudget: false,
  podMonitor: {
    enabled: false,
    scrapeInterval: "10s",
    scrapeTimeout: "10s",
    labels: {},
    controller: { enabled: true },
    serviceMirror: { enabled: true },
    proxy: { enabled: true },
  },
  enableEndpointSlices: true,
  enableH2Upgrade: true,
  enablePSP: false,
  enablePprof: false,
  identity: {
    externalCA: false,
    serviceAccountTokenProjection: true,
    issuer: {
      scheme: "linkerd.io/tls",
      issuanceLifetime: "24h0m0s",
      clockSkewAllowance: "20s",
      tls: { crtPEM: "", keyPEM: "" },
    },
    kubeAPI: { clientQPS: 100, clientBurst: 200 },
    podAnnotations: {},
    ...PROBES,
  },
  destinationController: {
    meshedHttp2ClientProtobuf: {
      keep_alive: {
        interval: { seconds: 10 },
        timeout: { seconds: 3 },
        while_idle: true,
      },
    },
    podAnnotations: {},
    ...PROBES,
  },
  spValidator: PROBES,
  policyController: {
    logLevel: "info",
    probeNetworks: ["0.0.0.0/0", "::/0"],
    ...PROBES,
  },
  egress: { globalEgressNetworkNamespace: "linkerd-egress" },
  proxyInjector: {
    ...WEBHOOK,
    namespaceSelector: {
      matchExpressions: [ADMISSION_WANTED, {
        key: "kubernetes.io/metadata.name",
        operator: "NotIn",
        values: NEVER_INJECTED,
      }],
    },
    objectSelector: {
      matchExpressions: [
        {
          key: "linkerd.io/control-plane-component",
          operator: "DoesNotExist",
        },
        { key: "linkerd.io/cni-resource", operator: "DoesNotExist" },
      ],
    },
    timeoutSeconds: 10,
    ...PROBES,
  },
  profileValidator: WEBHOOK,
  policyValidator: WEBHOOK,
  tap: SERVED,
  webhookFailurePolicy: "Ignore",
  prometheusUrl: "",
};

function resources(memoryRequest: string): Overrides {
  return {
    cpu: { request: "100m", limit: "" },
    memory: { request: memoryRequest, limit: "250Mi" },
  };
}

/** What `--ha` lays over the defaults: three of everything, apart from each other, and no pod unmeshed. */
export const HA_OVERRIDES: Overrides = {
  highAvailability: true,
  controllerReplicas: 3,
  enablePodAntiAffinity: true,
  enablePodDisruptionBudget: true,
  deploymentStrategy: {
    rollingUpdate: { maxUnavailable: 1, maxSurge: "25%" },
  },
  webhookFailurePolicy: "Fail",
  destinationResources: resources("50Mi"),
  spValidatorResources: resources("50Mi"),
  proxyInjectorResources: resources("50Mi"),
  identityResources: resources("10Mi"),
  proxy: { resources: resources("20Mi") },
};
