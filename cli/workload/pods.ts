import type { Cluster } from "../cluster.ts";
import { type KubeObject, listAll } from "../cluster/list.ts";
import type { Workload } from "./kinds.ts";

export interface Container {
  readonly name: string;
  readonly image?: string;
  readonly restartPolicy?: string;
  readonly ports?: readonly ContainerPort[];
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
}

export interface ContainerPort {
  readonly name?: string;
  readonly containerPort: number;
  readonly protocol?: string;
}

/** What may own another object: its name for it. */
export interface Owned extends KubeObject {
  readonly metadata: KubeObject["metadata"] & {
    readonly ownerReferences?: readonly Owner[];
  };
}

interface Owner {
  readonly kind: string;
  readonly name: string;
}

/** The fields of a Pod that we read; the API server has validated them. */
export interface Pod extends Owned {
  readonly spec: {
    readonly serviceAccountName?: string;
    readonly containers: readonly Container[];
    readonly initContainers?: readonly Container[];
  };
  readonly status?: { readonly phase?: string };
}

/** Containers that run as long as the Pod: sidecars among the init containers included. */
export function runningContainers({ spec }: Pick<Pod, "spec">): Container[] {
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) =>
    restartPolicy === "Always"
  );
  return [...sidecars, ...spec.containers];
}

/** The Pods of a workload among `pods`; `between` are objects of the kind that stands between, such as ReplicaSets. */
export function podsOf(
  { kind, name }: Workload,
  pods: readonly Pod[],
  between: readonly Owned[],
): Pod[] {
  if (kind.kind === "Pod") {
    return pods.filter(({ metadata }) =>
      name === undefined || metadata.name === name
    );
  }
  const isOurs = (owner: Owner) =>
    owner.kind === kind.kind && (name === undefined || owner.name === name);
  const links = new Set(
    between.filter((one) => owners(one).some(isOurs)).map(({ metadata }) =>
      metadata.name
    ),
  );
  return pods.filter((pod) =>
    owners(pod).some((owner) =>
      kind.by === undefined
        ? isOurs(owner)
        : owner.kind === kind.by.kind && links.has(owner.name)
    )
  );
}

function owners({ metadata }: Owned): readonly Owner[] {
  return metadata.ownerReferences ?? [];
}

/** A workload's objects, by name or all of its kind, and the Pods that are theirs. */
export interface Found {
  readonly workloads: readonly KubeObject[];
  readonly pods: readonly Pod[];
}

/** A workload in a cluster. Throws as `Cluster.call` does, and so when there is none of that name. */
export async function findWorkload(
  cluster: Cluster,
  namespace: string,
  workload: Workload,
): Promise<Found> {
  const { kind, name } = workload;
  const path = (of: { prefix: string; plural: string }) =>
    `${of.prefix}/namespaces/${namespace}/${of.plural}`;
  const workloads = name === undefined
    ? await listAll(cluster, path(kind))
    : [await cluster.call({ path: `${path(kind)}/${name}` }) as KubeObject];
  if (kind.kind === "Pod") return { workloads, pods: workloads as Pod[] };
  const [pods, between] = await Promise.all([
    listAll<Pod>(cluster, `/api/v1/namespaces/${namespace}/pods`),
    kind.by === undefined ? [] : listAll<Owned>(cluster, path(kind.by)),
  ]);
  return { workloads, pods: podsOf(workload, pods, between) };
}
