import type {
  ApiService,
  AuthorizationPolicy,
  ConfigMap,
  Container,
  CustomResource,
  DaemonSet,
  Deployment,
  KubeItem,
  Node,
  Pod,
  ReplicaSet,
  Secret,
  Service,
  WebhookConfiguration,
} from "./objects.ts";

/** Where objects of a kind are, and of which type. */
export interface Resource<T> {
  /** Group and version, such as `/apis/apps/v1`. */
  readonly prefix: string;
  readonly plural: string;
  /** What is kept of each object of a list, where lists are long and objects large. */
  readonly keep?: (object: T) => T;
  /** Carries the type of one object; there is nothing in it. */
  readonly of?: T;
}

/** Where a proxy has its trust anchors, if they are written in its pod. */
export const ANCHORS_ENV = "LINKERD2_PROXY_IDENTITY_TRUST_ANCHORS";
/** Whom a proxy lets in where no policy says otherwise. */
export const DEFAULT_POLICY_ENV = "LINKERD2_PROXY_INBOUND_DEFAULT_POLICY";

const core = <T>(plural: string): Resource<T> => ({
  prefix: "/api/v1",
  plural,
});
const group = <T>(group: string, plural: string): Resource<T> => ({
  prefix: `/apis/${group}/v1`,
  plural,
});
const RBAC = "rbac.authorization.k8s.io";
const ADMISSION = "admissionregistration.k8s.io";

export const NAMESPACES = core<KubeItem>("namespaces");
export const NODES = core<Node>("nodes");
export const PODS: Resource<Pod> = { ...core<Pod>("pods"), keep: keepPod };
export const SERVICES = core<Service>("services");
export const CONFIG_MAPS = core<ConfigMap>("configmaps");
export const SECRETS = core<Secret>("secrets");
export const SERVICE_ACCOUNTS = core<KubeItem>("serviceaccounts");
export const REPLICA_SETS = group<ReplicaSet>("apps", "replicasets");
export const DEPLOYMENTS = group<Deployment>("apps", "deployments");
export const DAEMON_SETS = group<DaemonSet>("apps", "daemonsets");
export const CLUSTER_ROLES = group<KubeItem>(RBAC, "clusterroles");
export const CLUSTER_ROLE_BINDINGS = group<KubeItem>(
  RBAC,
  "clusterrolebindings",
);
export const CUSTOM_RESOURCES = group<CustomResource>(
  "apiextensions.k8s.io",
  "customresourcedefinitions",
);
export const MUTATING_WEBHOOKS = group<WebhookConfiguration>(
  ADMISSION,
  "mutatingwebhookconfigurations",
);
export const VALIDATING_WEBHOOKS = group<WebhookConfiguration>(
  ADMISSION,
  "validatingwebhookconfigurations",
);
export const API_SERVICES = group<ApiService>(
  "apiregistration.k8s.io",
  "apiservices",
);
export const AUTHORIZATION_POLICIES: Resource<AuthorizationPolicy> = {
  prefix: "/apis/policy.linkerd.io/v1alpha1",
  plural: "authorizationpolicies",
};

/**
 * A pod without what no check reads: a clusterful of pods is a hundred megabytes of JSON, most of it environment,
 * volumes and managed fields.
 */
function keepPod({ metadata, spec, status = {} }: Pod): Pod {
  const { name, namespace, labels, annotations, deletionTimestamp } = metadata;
  const { phase, reason, podIP, conditions } = status;
  const { containerStatuses, initContainerStatuses } = status;
  const { hostNetwork, automountServiceAccountToken } = spec;
  const kept = {
    metadata: { name, namespace, labels, annotations, deletionTimestamp },
    spec: {
      hostNetwork,
      automountServiceAccountToken,
      containers: spec.containers.map(keepContainer),
      initContainers: spec.initContainers?.map(keepContainer),
    },
    status: {
      phase,
      reason,
      podIP,
      conditions,
      containerStatuses,
      initContainerStatuses,
    },
  };
  return kept as Pod; // what was absent is undefined, which reads the same
}

function keepContainer(container: Container): Container {
  const { name, image, restartPolicy, volumeMounts, ports, env } = container;
  const read = env?.filter(({ name }) =>
    name === ANCHORS_ENV || name === DEFAULT_POLICY_ENV
  );
  const kept = { name, image, restartPolicy, volumeMounts, ports };
  return { ...kept, env: read } as Container;
}
