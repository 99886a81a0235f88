import { callApi } from "./api.ts";
import type { ApiServer } from "./in-cluster.ts";

/** What a Pod belongs to, in the end: a Deployment rather than its ReplicaSet. */
export interface Owner {
  readonly apiVersion: string;
  /** As the API spells it, such as `Deployment`. */
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

export interface Metadata {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly Owner[];
}

/** The API server waits 10 s for a webhook by default; two questions must fit in. */
const TIMEOUT_MS = 4_000;

/** Only the metadata, of any kind of object. */
const METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

/** The metadata of one object, such as `/api/v1/namespaces/shop`; throws as `callApi`. */
export async function readMetadata(
  server: ApiServer,
  path: string,
): Promise<Metadata> {
  const response = await callApi(server, {
    path,
    accept: METADATA,
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const { metadata } = await response.json() as { readonly metadata: Metadata };
  return metadata;
}

/**
 * The owner of a Pod as Linkerd counts it; undefined for a Pod of its own. A Job belongs to what made it; a ReplicaSet
 * only to kinds of Kubernetes itself, so that other controllers' (Argo's Rollout) keep their ReplicaSet's name.
 */
export async function findOwner(
  server: ApiServer,
  namespace: string,
  { ownerReferences = [] }: Metadata,
): Promise<Owner | undefined> {
  const owner = single(ownerReferences);
  const plural = owner && MIDDLEMEN[owner.kind];
  if (owner === undefined || plural === undefined) return owner;
  const { ownerReferences: above = [] } = await readMetadata(
    server,
    `/apis/${owner.apiVersion}/namespaces/${namespace}/${plural}/${owner.name}`,
  );
  const top = single(above);
  if (top === undefined) return owner;
  return owner.kind === "Job" || BUILT_IN.has(top.kind) ? top : owner;
}

/** Kinds that are made by others, with their names in paths. */
const MIDDLEMEN: Readonly<Record<string, string>> = {
  Job: "jobs",
  ReplicaSet: "replicasets",
};

const BUILT_IN: ReadonlySet<string> = new Set([
  "DaemonSet",
  "Deployment",
  "Job",
  "StatefulSet",
]);

function single(owners: readonly Owner[]): Owner | undefined {
  return owners.length === 1 ? owners[0] : undefined;
}
