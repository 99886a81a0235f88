import type { OutboundRoute } from "../../schemas/kube.ts";
import type { State } from "./fold.ts";
import { EGRESS_KEY, policyIpKey, policyKey } from "./keys.ts";
import {
  importIps,
  objectKey,
  type OutboundParent,
  parentsOf,
} from "./outbound.ts";
import { clusterIps } from "./services.ts";

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
    case "ServiceImport":
      yield* importIps(outbound.imports.byId.get(id)).map(policyIpKey);
      return;
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
