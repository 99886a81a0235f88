// Fields that the API server insists on are optional here where a manifest may lack them: it is not judged, only read.
import type { KubeObject } from "../cluster/list.ts";
import type { Container, ContainerPort, Pod } from "../workload/pods.ts";

/** Labels that an object must have, as everywhere in Kubernetes. */
export interface Selector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }[];
}

export interface Server extends KubeObject {
  readonly spec: {
    /** Absent when the Server is about machines outside the cluster. */
    readonly podSelector?: Selector;
    readonly port?: number | string;
    readonly accessPolicy?: string;
  };
}

export interface ServerAuthorization extends KubeObject {
  readonly spec: {
    readonly server?: { readonly name?: string; readonly selector?: Selector };
  };
}

/** A reference to an object of the same namespace. */
export interface Ref {
  readonly group?: string;
  readonly kind?: string;
  readonly name: string;
}

export interface AuthorizationPolicy extends KubeObject {
  readonly spec: { readonly targetRef?: Ref };
}

export interface Route extends KubeObject {
  readonly spec: {
    readonly parentRefs?: readonly (Ref & { readonly namespace?: string })[];
  };
}

/** What runs: the part of a Pod, or of a template of Pods, that Servers select by. */
export interface Subject {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly ports: readonly ContainerPort[];
}

/** The policies of a namespace, wherever they were read. */
export interface Policies {
  readonly servers: readonly Server[];
  readonly serverAuthorizations: readonly ServerAuthorization[];
  readonly authorizationPolicies: readonly AuthorizationPolicy[];
  /** By group and kind, such as `policy.linkerd.io/HTTPRoute`. */
  readonly routes: ReadonlyMap<string, readonly Route[]>;
}

/** A workload's Pods; where it has none yet, its templates of Pods. */
export interface Subjects {
  readonly subjects: readonly Subject[];
  readonly byTemplate: boolean;
}

/** What a source has to say about a workload. */
export interface Findings extends Subjects {
  readonly policies: Policies;
}

/** Reads what Servers select by. */
export function subjectsOf(
  workloads: readonly KubeObject[],
  pods: readonly Pod[],
): Subjects {
  if (pods.length > 0) {
    return { subjects: pods.map(toSubject), byTemplate: false };
  }
  const subjects = workloads.flatMap((workload) => {
    const template = templateOf(workload);
    return template === undefined ? [] : [toSubject(template)];
  });
  return { subjects, byTemplate: true };
}

/** A template as the Pod that it will be. */
function templateOf({ spec, metadata }: KubeObject): Pod | undefined {
  const { template, jobTemplate } = (spec ?? {}) as {
    readonly template?: Pod;
    readonly jobTemplate?: { readonly spec?: { readonly template?: Pod } };
  };
  const found = template ?? jobTemplate?.spec?.template;
  if (found?.spec === undefined) return undefined;
  const { namespace = "default" } = metadata;
  return {
    ...found,
    metadata: { ...found.metadata, name: metadata.name, namespace },
  };
}

function toSubject({ metadata, spec }: Pod): Subject {
  const containers = [spec.initContainers, spec.containers]
    .flatMap((list) => Array.isArray(list) ? list as Container[] : []);
  return {
    namespace: metadata.namespace ?? "default",
    labels: metadata.labels ?? {},
    ports: containers.flatMap(({ ports }) => ports ?? []),
  };
}
