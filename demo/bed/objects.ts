import { ANNOTATIONS, LABELS, PORTS } from "../../schemas/names.ts";
import { isTapped, REALM } from "./proxy-environment.ts";

/** A Kubernetes object as it stands in a manifest. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly [field: string]: unknown;
  };
  readonly [field: string]: unknown;
}

export interface NamedPort {
  readonly name?: string;
  readonly port: number;
}

/** What a Pod object of a bed says. */
export interface PodFacts {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly serviceAccount: string;
  readonly ip: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** The Deployment it is of; none when it is left out. */
  readonly deployment?: string;
  readonly ports: readonly NamedPort[];
  readonly meshed: boolean;
}

/** Stands for the hash of a Deployment's template, of which a bed has but one. */
const HASH = "5d9c";

/** A Pod as the API server would show it once it runs, with the proxy's container when meshed. */
export function podObject(pod: PodFacts): KubeObject {
  const { deployment } = pod;
  const labels = {
    ...pod.labels,
    ...pod.meshed ? { [LABELS.controlPlaneNamespace]: "linkerd" } : {},
    ...deployment === undefined ? {} : { [LABELS.podTemplateHash]: HASH },
  };
  const tap = pod.meshed && isTapped(pod.annotations)
    ? { [ANNOTATIONS.tapEnabled]: "true" }
    : {};
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: pod.name,
      namespace: pod.namespace,
      uid: pod.uid,
      labels,
      annotations: { ...pod.annotations, ...tap },
      ...deployment === undefined ? {} : {
        ownerReferences: [{
          apiVersion: "apps/v1",
          kind: "ReplicaSet",
          name: `${deployment}-${HASH}`,
          uid: `${deployment}-${HASH}`,
          controller: true,
        }],
      },
    },
    spec: {
      serviceAccountName: pod.serviceAccount,
      nodeName: "bed",
      containers: [
        {
          name: "app",
          ports: pod.ports.map(({ name, port }) => ({
            ...(name === undefined ? {} : { name }),
            containerPort: port,
            protocol: "TCP",
          })),
        },
        ...(pod.meshed ? [PROXY_CONTAINER] : []),
      ],
    },
    status: {
      phase: "Running",
      podIP: pod.ip,
      podIPs: [{ ip: pod.ip }],
      conditions: [{ type: "Ready", status: "True" }],
    },
  };
}

/** The destination controller reads the proxy's port from here, what taps it its name, the policy controller what the kubelet asks. */
const PROXY_CONTAINER = {
  name: "linkerd-proxy",
  env: [{
    name: "LINKERD2_PROXY_INBOUND_LISTEN_ADDR",
    value: `0.0.0.0:${PORTS.inbound}`,
  }, {
    name: "LINKERD2_PROXY_IDENTITY_LOCAL_NAME",
    value:
      `$(_pod_sa).$(_pod_ns).serviceaccount.identity.${REALM.controlNamespace}.${REALM.trustDomain}`,
  }],
  ports: [
    { name: "linkerd-proxy", containerPort: PORTS.inbound },
    { name: "linkerd-admin", containerPort: PORTS.admin },
  ],
  livenessProbe: { httpGet: { path: "/live", port: PORTS.admin } },
  readinessProbe: { httpGet: { path: "/ready", port: PORTS.admin } },
};

export interface ServicePort extends NamedPort {
  /** Where the pods listen; `port` by default. */
  readonly targetPort?: number;
  readonly appProtocol?: string;
}

/** What a Service and its EndpointSlice say. */
export interface ServiceFacts {
  readonly name: string;
  readonly namespace: string;
  /** `None` for a headless service. */
  readonly clusterIp: string;
  readonly ports: readonly ServicePort[];
  readonly annotations: Readonly<Record<string, string>>;
}

/** A Service without a selector: a bed writes its EndpointSlice itself. */
export function serviceObject(service: ServiceFacts): KubeObject {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      name: service.name,
      namespace: service.namespace,
      annotations: service.annotations,
    },
    spec: {
      type: "ClusterIP",
      clusterIP: service.clusterIp,
      clusterIPs: [service.clusterIp],
      ports: service.ports.map(({ name, port, targetPort, appProtocol }) => ({
        ...(name === undefined ? {} : { name }),
        port,
        targetPort: targetPort ?? port,
        protocol: "TCP",
        ...(appProtocol === undefined ? {} : { appProtocol }),
      })),
    },
  };
}

/** The EndpointSlice of a Service: these pods, all ready. */
export function endpointSliceObject(
  service: ServiceFacts,
  pods: readonly { name: string; namespace: string; uid: string; ip: string }[],
): KubeObject {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: service.name,
      namespace: service.namespace,
      labels: { [LABELS.serviceName]: service.name },
    },
    addressType: "IPv4",
    ports: service.ports.map(({ name, port, targetPort, appProtocol }) => ({
      name: name ?? "",
      port: targetPort ?? port,
      protocol: "TCP",
      ...(appProtocol === undefined ? {} : { appProtocol }),
    })),
    endpoints: pods.map((pod) => ({
      addresses: [pod.ip],
      conditions: { ready: true, serving: true, terminating: false },
      nodeName: "bed",
      targetRef: {
        kind: "Pod",
        name: pod.name,
        namespace: pod.namespace,
        uid: pod.uid,
      },
    })),
  };
}

/** A Namespace. */
export function namespaceObject(name: string): KubeObject {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name } };
}
