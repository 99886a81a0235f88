import type { EndpointSlice } from "../../schemas/kube.ts";
import { LABELS } from "../../schemas/names.ts";
import { idOf } from "./keys.ts";
import { createMultimap, type Multimap } from "./multimap.ts";

type SliceEndpoint = NonNullable<EndpointSlice["endpoints"]>[number];

/** EndpointSlices by the Service they belong to, and Services by the Pods behind them. */
export interface Slices {
  readonly byId: ReadonlyMap<string, EndpointSlice>;
  readonly byService: Pick<Multimap<EndpointSlice>, "get">;
  /** Ids of the Services that have the Pod among their endpoints. */
  readonly servicesOfPod: (podId: string) => ReadonlySet<string>;
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
  const byPod = createMultimap<EndpointSlice>();
  return {
    byId,
    byService,
    servicesOfPod: (podId) => {
      const services = new Set<string>();
      for (const slice of byPod.get(podId)) {
        const service = serviceOf(slice);
        if (service !== null) services.add(service);
      }
      return services;
    },
    replace: (old, now) => {
      if (old !== undefined) {
        byId.delete(idOf(old.metadata));
        byService.remove(serviceOf(old) ?? "", old);
        for (const pod of podsOf(old)) byPod.remove(pod, old);
      }
      if (now === undefined) return;
      byId.set(idOf(now.metadata), now);
      byService.add(serviceOf(now) ?? "", now);
      for (const pod of podsOf(now)) byPod.add(pod, now);
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

/** Id of the Pod behind an endpoint; null when there is none. */
export function podOf(
  slice: EndpointSlice,
  { targetRef }: SliceEndpoint,
): string | null {
  if (targetRef?.kind !== "Pod" || targetRef.name === undefined) return null;
  const namespace = targetRef.namespace ?? slice.metadata.namespace;
  return idOf({ namespace, name: targetRef.name });
}

function podsOf(slice: EndpointSlice): Set<string> {
  const pods = new Set<string>();
  for (const endpoint of slice.endpoints ?? []) {
    const pod = podOf(slice, endpoint);
    if (pod !== null) pods.add(pod);
  }
  return pods;
}
