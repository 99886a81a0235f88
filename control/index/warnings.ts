import type { KubeObject, OutboundRoute } from "../../schemas/kube.ts";
import type { ObjectEvent } from "../source.ts";
import {
  absencesOf,
  doubtsAboutParent,
  doubtsAboutRoute,
} from "./client-doubts.ts";
import { doubtsAbout, doubtsAboutDefault, overlapsOn } from "./doubts.ts";
import type { State } from "./state.ts";
import type { Workload } from "./workloads.ts";

export interface Warnings {
  /** Sentences about what a batch changed, and about the workloads whose Servers it changed, that were not given yet. */
  readonly about: (
    events: readonly ObjectEvent[],
    reselected: Iterable<Workload>,
  ) => readonly string[];
}

/** Gives each sentence once, however many Pods and batches it is about; ask when a batch is folded as a whole. */
export function createWarnings(state: State, hasStatuses: boolean): Warnings {
  const told = new Set<string>();
  return {
    about: (events, reselected) => {
      const suspects = new Set<KubeObject>(reselected);
      for (const { kind, object } of events) {
        if (kind === "apply") suspects.add(object);
        // What was said of the others may be true again without it, and is then to be said again.
        else if (CONTRADICTING.has(object.kind)) told.clear();
      }
      const sentences = [...suspects].flatMap((object) => [
        ...doubtsOf(object, state, hasStatuses),
      ]);
      const fresh = new Set(sentences).difference(told);
      for (const sentence of fresh) told.add(sentence);
      return [...fresh];
    },
  };
}

/** Kinds whose objects may keep one another out of force. */
const CONTRADICTING: ReadonlySet<KubeObject["kind"]> = new Set([
  "Server",
  "ServerAuthorization",
  "AuthorizationPolicy",
  "MeshTLSAuthentication",
  "NetworkAuthentication",
  "HTTPLocalRateLimitPolicy",
  "HTTPRoute",
  "GRPCRoute",
  "TLSRoute",
  "TCPRoute",
]);

function* doubtsOf(
  object: KubeObject,
  state: State,
  hasStatuses: boolean,
): Generator<string> {
  switch (object.kind) {
    case "Namespace":
      yield* doubtsAboutDefault(object);
      return;
    case "Pod":
    case "ExternalWorkload":
      yield* doubtsAboutDefault(object);
      yield* overlapsOn(object, state.servers);
      return;
    case "Service":
    case "ServiceImport":
    case "EgressNetwork":
      yield* doubtsAboutParent(object);
      return;
    case "Server":
    case "EndpointSlice":
    case "ServiceProfile":
    case "ReferenceGrant":
      return;
    case "HTTPRoute":
    case "GRPCRoute":
      yield* doubtsAbout(object, state);
      yield* doubtsForClients(object, state, hasStatuses);
      return;
    case "TLSRoute":
    case "TCPRoute":
      yield* doubtsForClients(object, state, hasStatuses);
      return;
    default:
      yield* doubtsAbout(object, state);
  }
}

function* doubtsForClients(
  route: OutboundRoute,
  state: State,
  hasStatuses: boolean,
): Generator<string> {
  yield* doubtsAboutRoute(route, state);
  if (!hasStatuses) yield* absencesOf(route, state);
}
