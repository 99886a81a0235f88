import Type, { type Static } from "typebox";
import { INBOUND_POLICIES } from "../names.ts";

const Text = Type.String({ description: "a string (quote it)" });
const Flag = Type.Boolean({ description: "true or false" });
const PortNumber = Type.Integer({
  minimum: 1,
  maximum: 65535,
  description: "a whole number from 1 to 65535",
});
const Seconds = Type.Integer({
  minimum: 0,
  description: "a whole number of seconds",
});
const UserId = Type.Integer({ description: "a numeric id; negative for none" });

/** When an image is fetched, as kubelet understands it; empty takes the install's own. */
const PullPolicy = Type.Enum(["", "Always", "IfNotPresent", "Never"]);

/** An image: name without tag, tag (empty: the version of the install), pull policy. */
export const ImageSchema = Type.Object({
  name: Text,
  version: Text,
  pullPolicy: PullPolicy,
}, { additionalProperties: false });

const Amount = Type.Object({
  limit: Text,
  request: Text,
}, { additionalProperties: false });

/** Kubernetes quantities of one container; an empty string leaves a figure out. */
export const ResourcesSchema = Type.Object({
  cpu: Amount,
  memory: Amount,
  "ephemeral-storage": Amount,
}, { additionalProperties: false });

const EnvironmentList = Type.Array(
  Type.Object({
    name: Text,
    value: Type.Optional(Text),
    valueFrom: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  }),
  { description: "a list of Kubernetes EnvVar objects" },
);

/** Parameters that become variables by name: scope, protocol, parameter (`server.http2.keepAliveInterval`). */
const Parameters = Type.Record(
  Type.String(),
  Type.Record(
    Type.String(),
    Type.Record(
      Type.String(),
      Type.Union([Type.String(), Type.Number(), Type.Boolean()]),
    ),
  ),
);

const TracingSchema = Type.Object({
  enabled: Flag,
  traceServiceName: Text,
  labels: Type.Record(Type.String(), Text),
  collector: Type.Object({
    endpoint: Text,
    meshIdentity: Type.Object({
      serviceAccountName: Text,
      namespace: Text,
    }, { additionalProperties: false }),
  }, { additionalProperties: false }),
}, { additionalProperties: false });

/** The `proxy` block: every sidecar, those of the control plane included. */
export const ProxySchema = Type.Object({
  image: ImageSchema,
  ports: Type.Object({
    admin: PortNumber,
    control: PortNumber,
    inbound: PortNumber,
    outbound: PortNumber,
  }, { additionalProperties: false }),
  uid: UserId,
  gid: UserId,
  resources: ResourcesSchema,
  /** Deprecated: both bounds of worker threads at once. */
  cores: Type.Optional(Type.Integer({ minimum: 0 })),
  runtime: Type.Object({
    workers: Type.Object({
      minimum: Type.Integer({ minimum: 1 }),
      maximum: Type.Optional(Type.Integer({ minimum: 1 })),
      maximumCPURatio: Type.Optional(
        Type.Number({ description: "a number between 0 and 1" }),
      ),
    }, { additionalProperties: false }),
  }, { additionalProperties: false }),
  nativeSidecar: Flag,
  await: Flag,
  waitBeforeExitSeconds: Seconds,
  shutdownGracePeriod: Text,
  enableShutdownEndpoint: Flag,
  logLevel: Text,
  logFormat: Type.Enum(["plain", "json"]),
  logHTTPHeaders: Type.Enum(["", "off", "insecure"]),
  accessLog: Type.Enum(["", "apache", "json"]),
  defaultInboundPolicy: Type.Enum([...INBOUND_POLICIES]),
  opaquePorts: Text,
  podInboundPorts: Text,
  requireIdentityOnInboundPorts: Text,
  requireTLSOnInboundPorts: Text,
  enableExternalProfiles: Flag,
  isGateway: Flag,
  isIngress: Flag,
  outboundTransportMode: Type.Enum(["transport-header", "transparent"]),
  outboundConnectTimeout: Text,
  inboundConnectTimeout: Text,
  outboundDiscoveryCacheUnusedTimeout: Text,
  inboundDiscoveryCacheUnusedTimeout: Text,
  disableOutboundProtocolDetectTimeout: Flag,
  disableInboundProtocolDetectTimeout: Flag,
  control: Type.Object({
    streams: Type.Object({
      initialTimeout: Text,
      idleTimeout: Text,
      lifetime: Text,
    }, { additionalProperties: false }),
  }, { additionalProperties: false }),
  inbound: Parameters,
  outbound: Parameters,
  livenessProbe: Type.Object({
    initialDelaySeconds: Seconds,
    timeoutSeconds: Seconds,
  }, { additionalProperties: false }),
  readinessProbe: Type.Object({
    initialDelaySeconds: Seconds,
    timeoutSeconds: Seconds,
  }, { additionalProperties: false }),
  startupProbe: Type.Object({
    initialDelaySeconds: Seconds,
    periodSeconds: Seconds,
    failureThreshold: Type.Integer({ minimum: 1 }),
  }, { additionalProperties: false }),
  metrics: Type.Object({ hostnameLabels: Flag }, {
    additionalProperties: false,
  }),
  tracing: TracingSchema,
  /** Replaces the container's whole security context unless empty. */
  securityContext: Type.Record(Type.String(), Type.Unknown()),
  additionalEnv: Type.Optional(EnvironmentList),
  experimentalEnv: Type.Optional(EnvironmentList),
}, { additionalProperties: false });

/** The `proxyInit` block: the container that redirects a pod's traffic to its proxy. */
export const ProxyInitSchema = Type.Object({
  iptablesMode: Type.Enum(["nft", "legacy"]),
  ignoreInboundPorts: Text,
  ignoreOutboundPorts: Text,
  kubeAPIServerPorts: Text,
  skipSubnets: Text,
  logLevel: Text,
  logFormat: Text,
  runAsRoot: Flag,
  runAsUser: UserId,
  runAsGroup: UserId,
  privileged: Flag,
  closeWaitTimeoutSecs: Seconds,
  xtMountPath: Type.Object({ mountPath: Text, name: Text }, {
    additionalProperties: false,
  }),
}, { additionalProperties: false });

/** The `networkValidator` block: what takes the place of redirection when a CNI plugin did it. */
export const NetworkValidatorSchema = Type.Object({
  logLevel: Text,
  logFormat: Text,
  connectAddr: Text,
  listenAddr: Text,
  timeout: Text,
  enableSecurityContext: Flag,
}, { additionalProperties: false });

/** Top-level keys that injection reads; the schema of the whole install spreads them among its own. */
export const injectionFields = {
  linkerdVersion: Text,
  clusterDomain: Text,
  clusterNetworks: Text,
  /** Empty means the cluster domain. */
  identityTrustDomain: Text,
  identityTrustAnchorsPEM: Text,
  imagePullPolicy: Type.Enum(["Always", "IfNotPresent", "Never"]),
  cniEnabled: Flag,
  disableIPv6: Flag,
  proxy: ProxySchema,
  proxyInit: ProxyInitSchema,
  networkValidator: NetworkValidatorSchema,
  debugContainer: Type.Object({ image: ImageSchema }, {
    additionalProperties: false,
  }),
} as const;

const InjectionSchema = Type.Object({
  ...injectionFields,
  identity: Type.Object({ serviceAccountTokenProjection: Flag }),
});

export type ProxyValues = Static<typeof ProxySchema>;
export type ProxyInitValues = Static<typeof ProxyInitSchema>;
export type NetworkValidatorValues = Static<typeof NetworkValidatorSchema>;
export type ResourceValues = Static<typeof ResourcesSchema>;
/** What injection needs of an install's values; the whole of them is one of these. */
export type InjectionValues = Static<typeof InjectionSchema>;
