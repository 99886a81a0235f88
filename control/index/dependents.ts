import type { OutboundRoute, Server } from "../../schemas/kube.ts";
import {
  EGRESS_KEY,
  externalKey,
  idOf,
  ipKey,
  podKey,
  policyIpKey,
  policyKey,
  serviceKey,
} from "./keys.ts";
import { objectKey, type OutboundParent, parentsOf } from "./outbound.ts";
import { selects } from "./servers.ts";
import { clusterIps, importIps } from "./services.ts";
import type { State } from "./state.ts";
import { ipsOf, type Workload } from "./workloads.ts";

/** What changes with a workload: itself, its addresses, and what has it among its endpoints. */
export function* keysOfWorkload(
  workload: Workload,
  { slices }: State,
): Generator<string> {
  const own = workloadKey(workload);
  yield own;
  yield* ipsOf(workload).map(ipKey);
  yield* slices.keysOf(own);
}

/** What changes with the policies of a Server: what its workloads are told of their ports, not where they are found. */
export function* keysOfPolicies(
  server: Server,
  state: State,
): Generator<string> {
  for (const workload of workloadsIn(server.metadata.namespace, state)) {
    if (selects(server, workload)) yield workloadKey(workload);
  }
}

/** What changes with a Service: itself, its addresses, and how it is called. */
export function* keysOfService(id: string, state: State): Generator<string> {
  yield serviceKey(id);
  yield* keysOfParent({ kind: "Service", id }, state);
  const service = state.services.byId.get(id);
  if (service !== undefined) yield* clusterIps(service).map(ipKey);
}

/** What changes with what proxies are told of how to call an object. */
export function* keysOfParent(
  { kind, id }: OutboundParent,
  { services, outbound }: State,
): Generator<string> {
  yield policyKey(objectKey(kind, id));
  switch (kind) {
    case "EgressNetwork":
      yield EGRESS_KEY;
      return;
    case "ServiceImport": {
      const imported = outbound.imports.byId.get(id);
      if (imported !== undefined) yield* importIps(imported).map(policyIpKey);
      return;
    }
    case "Service": {
      const service = services.byId.get(id);
      if (service !== undefined) yield* clusterIps(service).map(policyIpKey);
    }
  }
}

/** What changes with a route: all that it hangs on. */
export function* keysOfRoute(
  route: OutboundRoute,
  state: State,
): Generator<string> {
  for (const parent of parentsOf(route)) yield* keysOfParent(parent, state);
}

/** What changes with an object (`objectKey`) that comes, goes or becomes something else: the parents of routes that send there. */
export function* keysOfSenders(
  object: string,
  state: State,
): Generator<string> {
  for (const route of state.outbound.routesByBackend.get(object)) {
    yield* keysOfRoute(route, state);
  }
}

/** The workloads of a namespace, Pods first. */
export function* workloadsIn(
  namespace: string,
  { pods, externals }: State,
): Generator<Workload> {
  yield* pods.byNamespace.get(namespace);
  yield* externals.byNamespace.get(namespace);
}

function workloadKey({ kind, metadata }: Workload): string {
  const id = idOf(metadata);
  return kind === "Pod" ? podKey(id) : externalKey(id);
}
