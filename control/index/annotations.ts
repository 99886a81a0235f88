import type {
  EgressNetwork,
  Service,
  ServiceImport,
} from "../../schemas/kube.ts";
import { ANNOTATIONS } from "../../schemas/names.ts";
import { type PortRange, resolvePortRanges } from "./ports.ts";
import type { State } from "./state.ts";
import { namedPorts, type Workload } from "./workloads.ts";

/**
 * The annotation of an object, or else of its Namespace. Linkerd's injector copies the Namespace's onto objects when
 * they are made; a folder of manifests has no injector, so the index looks there itself.
 */
export function annotationOf(
  { metadata }: Pick<
    Workload | Service | ServiceImport | EgressNetwork,
    "metadata"
  >,
  name: string,
  { namespaces }: Pick<State, "namespaces">,
): string | undefined {
  return metadata.annotations?.[name] ??
    namespaces.get(metadata.namespace)?.metadata.annotations?.[name];
}

/** The ports that a workload's annotation lists, by number or name; undefined when there is no annotation. */
export function annotatedPorts(
  workload: Workload,
  name: typeof ANNOTATIONS[keyof typeof ANNOTATIONS],
  state: Pick<State, "namespaces">,
): readonly PortRange[] | undefined {
  const text = annotationOf(workload, name, state);
  return text === undefined
    ? undefined
    : resolvePortRanges(text, namedPorts(workload));
}

/** The ports that a Service's annotation declares opaque; undefined when there is no annotation. */
export function serviceOpaquePorts(
  service: Service | ServiceImport,
  state: Pick<State, "namespaces">,
): readonly PortRange[] | undefined {
  const text = annotationOf(service, ANNOTATIONS.opaquePorts, state);
  return text === undefined
    ? undefined
    : resolvePortRanges(text, service.spec.ports ?? []);
}
