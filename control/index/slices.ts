import type { EndpointSlice } from "../../schemas/kube.ts";
import { LABELS } from "../../schemas/names.ts";
import { externalKey, idOf, importKey, podKey, serviceKey } from "./keys.ts";
import { createMultimap, type Multimap } from "./multimap.ts";
import { createNamed, type Named } from "./named.ts";

type SliceEndpoint = NonNullable<EndpointSlice["endpoints"]>[number];

/** EndpointSlices by the Service or ServiceImport they belong to, and these by the workloads behind them. */
export interface Slices extends Named<EndpointSlice> {
  readonly byService: Pick<Multimap<EndpointSlice>, "get">;
  readonly byImport: Pick<Multimap<EndpointSlice>, "get">;
  /** Keys (keys.ts) of what has the workload of a key among its endpoints. */
  readonly keysOf: (key: string) => ReadonlySet<string>;
}

/** Creates an empty index of slices. */
export function createSlices(): Slices {
  const named = createNamed<EndpointSlice>();
  const byService = createMultimap<EndpointSlice>();
  const byImport = createMultimap<EndpointSlice>();
  const byTarget = createMultimap<EndpointSlice>();

  function arrange(slice: EndpointSlice, verb: "add" | "remove"): void {
    byService[verb](serviceOf(slice) ?? "", slice);
    byImport[verb](importOf(slice) ?? "", slice);
    for (const key of targetsOf(slice)) byTarget[verb](key, slice);
  }

  return {
    ...named,
    byService,
    byImport,
    keysOf: (key) => new Set([...byTarget.get(key)].flatMap(keysOfSlice)),
    put: (now, gone) => {
      const old = named.put(now, gone);
      if (old !== undefined) arrange(old, "remove");
      if (!gone) arrange(now, "add");
      return old;
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
