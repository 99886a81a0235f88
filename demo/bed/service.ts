import {
  endpointSliceObject,
  type KubeObject,
  type ServiceFacts,
  serviceObject,
  type ServicePort,
} from "./objects.ts";
import type { Pod } from "./pod.ts";

/** What a test or the demo asks for. */
export interface ServiceSpec {
  readonly name: string;
  /** `default` by default. */
  readonly namespace?: string;
  readonly ports: readonly (number | ServicePort)[];
  /** Ready endpoints; none by default. */
  readonly pods?: readonly Pod[];
  /** No address of its own: its name means its pods' addresses. */
  readonly headless?: boolean;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A Service of the bed with its EndpointSlice. */
export interface Service {
  readonly name: string;
  readonly namespace: string;
  /** Full DNS name. */
  readonly host: string;
  /** `None` when headless. */
  readonly clusterIp: string;
  /** The Service and EndpointSlice objects as first written. */
  readonly objects: readonly KubeObject[];
  /** Replaces the ready endpoints; names and addresses follow before it resolves. */
  setEndpoints(pods: readonly Pod[]): Promise<void>;
}

/** Writes the objects of a service by `apply`. */
export async function createService(
  spec: ServiceSpec,
  clusterIp: string,
  apply: (...objects: KubeObject[]) => Promise<void>,
): Promise<Service> {
  const facts: ServiceFacts = {
    name: spec.name,
    namespace: spec.namespace ?? "default",
    clusterIp: spec.headless === true ? "None" : clusterIp,
    ports: spec.ports.map((port) => typeof port === "number" ? { port } : port),
    annotations: spec.annotations ?? {},
  };
  const objects = [
    serviceObject(facts),
    endpointSliceObject(facts, spec.pods ?? []),
  ];
  await apply(...objects);
  return {
    ...facts,
    host: `${facts.name}.${facts.namespace}.svc.cluster.local`,
    objects,
    setEndpoints: (pods) => apply(endpointSliceObject(facts, pods)),
  };
}
