import type { LabelSelector } from "../../schemas/kube/selector.ts";

/**
 * Objects that checks read, with the fields that they read. The API server has validated its own kinds, so that these
 * types are believed; every field it may leave out is optional.
 */
export interface KubeItem {
  readonly metadata: Metadata;
}

export interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly deletionTimestamp?: string;
}

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastHeartbeatTime?: string;
}

export interface Container {
  readonly name: string;
  readonly image?: string;
  readonly restartPolicy?: string;
  readonly volumeMounts?: readonly { readonly mountPath: string }[];
  readonly ports?: readonly {
    readonly name?: string;
    readonly containerPort: number;
  }[];
  readonly env?: readonly {
    readonly name: string;
    readonly value?: string;
  }[];
}

export interface ContainerStatus {
  readonly name: string;
  readonly ready?: boolean;
  readonly started?: boolean;
  readonly state?: {
    readonly waiting?: { readonly reason?: string };
    readonly running?: Readonly<Record<string, unknown>>;
    readonly terminated?: {
      readonly reason?: string;
      readonly exitCode?: number;
      readonly signal?: number;
    };
  };
}

export interface Pod extends KubeItem {
  readonly spec: {
    readonly hostNetwork?: boolean;
    readonly automountServiceAccountToken?: boolean;
    readonly containers: readonly Container[];
    readonly initContainers?: readonly Container[];
  };
  readonly status?: {
    readonly phase?: string;
    readonly reason?: string;
    readonly podIP?: string;
    readonly conditions?: readonly Condition[];
    readonly containerStatuses?: readonly ContainerStatus[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
  };
}

export interface Service extends KubeItem {
  readonly spec: {
    readonly clusterIP?: string;
    readonly type?: string;
    readonly selector?: Readonly<Record<string, string>>;
    readonly ports?: readonly {
      readonly port: number;
      readonly targetPort?: number | string;
    }[];
  };
}

export interface Node extends KubeItem {
  readonly spec?: {
    readonly podCIDR?: string;
    readonly podCIDRs?: readonly string[];
  };
  readonly status?: {
    readonly conditions?: readonly Condition[];
    readonly nodeInfo?: { readonly containerRuntimeVersion?: string };
  };
}

export interface ReplicaSet extends KubeItem {
  readonly status?: { readonly conditions?: readonly Condition[] };
}

export interface Deployment extends KubeItem {
  readonly status?: { readonly availableReplicas?: number };
}

export interface DaemonSet extends KubeItem {
  readonly status?: {
    readonly desiredNumberScheduled?: number;
    readonly numberReady?: number;
  };
}

export interface ConfigMap extends KubeItem {
  readonly data?: Readonly<Record<string, string>>;
}

export interface Secret extends KubeItem {
  /** Base64. */
  readonly data?: Readonly<Record<string, string>>;
}

export interface CustomResource extends KubeItem {
  readonly spec: {
    readonly versions: readonly {
      readonly name: string;
      readonly served?: boolean;
    }[];
  };
}

export interface WebhookConfiguration extends KubeItem {
  readonly webhooks?: readonly {
    readonly clientConfig: { readonly caBundle?: string };
    readonly namespaceSelector?: LabelSelector;
    readonly objectSelector?: LabelSelector;
  }[];
}

export interface ApiService extends KubeItem {
  readonly spec: { readonly caBundle?: string };
  readonly status?: { readonly conditions?: readonly Condition[] };
}

export interface AuthorizationPolicy extends KubeItem {
  readonly spec: {
    readonly requiredAuthenticationRefs: readonly {
      readonly kind: string;
      readonly name: string;
      readonly namespace?: string;
    }[];
  };
}
