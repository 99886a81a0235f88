import type { EndpointSlice } from "../../schemas/kube.ts";
import { LABELS } from "../../schemas/names.ts";
import { externalKey, idOf, importKey, podKey, serviceKey } from "./keys.ts";
import { createMultimap, type Multimap } from "./multimap.ts";

type SliceEndpoint = NonNullable<EndpointSlice["endpoints"]>[number];

/** EndpointSlices by the Service or ServiceImport they belong to, and these by the workloads behind them. */
export interface Slices {
  readonly byId: ReadonlyMap<string, EndpointSlice>;
  readonly byService: Pick<Multimap<EndpointSlice>, "get">;
  readonly byImport: Pick<Multimap<EndpointSlice>, "get">;
  /** Keys (keys.ts) of what has the workload of a key among its endpoints. */
  readonly keysOf: (key: string) => ReadonlySet<string>;
  /** Replaces a slice, or removes it when there is no new one. */
  readonly replace: (
    old: EndpointSlice | undefined,
    now: EndpointSlice | undefined,
  ) => void;
}

/** Creates an empty index of slices. */
export function createSlices(): Slices {
  const byId = new Map<string, EndpointSlice>();
  const byService = createMultimap<EndpointSlice>();
  const byImport = createMultimap<EndpointSlice>();
  const byTarget = createMultimap<EndpointSlice>();
  return {
    byId,
    byService,
    byImport,
    keysOf: (key) => new Set([...byTarget.get(key)].flatMap(keysOfSlice)),
    replace: (old, now) => {
      if (old !== undefined) {
        byId.delete(idOf(old.metadata));
        byService.remove(serviceOf(old) ?? "", old);
        byImport.remove(importOf(old) ?? "", old);
        for (const key of targetsOf(old)) byTarget.remove(key, old);
      }
      if (now === undefined) return;
      byId.set(idOf(now.metadata), now);
      byService.add(serviceOf(now) ?? "", now);
      byImport.add(importOf(now) ?? "", now);
      for (const key of targetsOf(now)) byTarget.add(key, now);
    },
  };
}

/** Id of the Service that a slice belongs to, by its label or else its owner; null: nobody's. */
export function serviceOf({ metadata }: EndpointSlice): string | null {
  const name = metadata.labels?.[LABELS.serviceName] ??
    metadata.ownerReferences?.find(({ kind }) => kind === "Service")?.name;
  return name === undefined
    ? null
    : idOf({ namespace: metadata.namespace, name });
}

/** Id of the ServiceImport that a slice belongs to, by its label; null: none. */
export function importOf({ metadata }: EndpointSlice): string | null {
  const name = metadata.labels?.[LABELS.importedService];
  return name === undefined
    ? null
    : idOf({ namespace: metadata.namespace, name });
}

/** Keys of what a slice belongs to. */
export function keysOfSlice(slice: EndpointSlice): string[] {
  const [service, imported] = [serviceOf(slice), importOf(slice)];
  return [
    ...service === null ? [] : [serviceKey(service)],
    ...imported === null ? [] : [importKey(imported)],
  ];
}

/** Id of the Pod behind an endpoint; null when there is none. */
export function podOf(
  slice: EndpointSlice,
  endpoint: SliceEndpoint,
): string | null {
  return targetOf(slice, endpoint, "Pod");
}

/** Id of the ExternalWorkload behind an endpoint; null when there is none. */
export function externalOf(
  slice: EndpointSlice,
  endpoint: SliceEndpoint,
): string | null {
  return targetOf(slice, endpoint, "ExternalWorkload");
}

function targetOf(
  slice: EndpointSlice,
  { targetRef }: SliceEndpoint,
  kind: "Pod" | "ExternalWorkload",
): string | null {
  if (targetRef?.kind !== kind || targetRef.name === undefined) return null;
  const namespace = targetRef.namespace ?? slice.metadata.namespace;
  return idOf({ namespace, name: targetRef.name });
}

function targetsOf(slice: EndpointSlice): Set<string> {
  const keys = new Set<string>();
  for (const endpoint of slice.endpoints ?? []) {
    const pod = podOf(slice, endpoint);
    if (pod !== null) keys.add(podKey(pod));
    const external = externalOf(slice, endpoint);
    if (external !== null) keys.add(externalKey(external));
  }
  return keys;
}
