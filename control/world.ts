import type { ClientPolicy } from "../schemas/client-policy.ts";
import type { ServerPolicy } from "../schemas/policy.ts";
import type { Standing, Verdict } from "./conditions.ts";
import { clientPolicyOf } from "./index/client-policy.ts";
import { endpointsOf, sameEndpoints } from "./index/endpoints.ts";
import { createIndex } from "./index/fold.ts";
import {
  EGRESS_KEY,
  externalKey,
  idOf,
  importKey,
  ipKey,
  podKey,
  policyIpKey,
  policyKey,
  serviceKey,
} from "./index/keys.ts";
import { objectKey } from "./index/outbound.ts";
import { profileOf } from "./index/profile.ts";
import { serverPolicyOf } from "./index/server-policy.ts";
import type { Settings } from "./index/settings.ts";
import { verdictOf } from "./index/verdict.ts";
import type { Log } from "./log.ts";
import { createSnapshots, type Snapshots } from "./snapshot.ts";
import type { Emit } from "./source.ts";
import type {
  ClientPolicyQuery,
  EndpointsAnswer,
  EndpointsQuery,
  ProfileAnswer,
  ProfileQuery,
  ServerPolicyQuery,
} from "./views.ts";

/** All that the control plane knows, fed by a source and watched by those who serve it. */
export interface World {
  readonly settings: Settings;
  readonly endpoints: Snapshots<EndpointsQuery, EndpointsAnswer>;
  readonly profiles: Snapshots<ProfileQuery, ProfileAnswer>;
  /** Null: nothing is known of the target. */
  readonly clientPolicies: Snapshots<
    ClientPolicyQuery,
    ClientPolicy | null
  >;
  /** Null: there is no such workload. */
  readonly serverPolicies: Snapshots<ServerPolicyQuery, ServerPolicy | null>;
  /** What the status of an object is to say now. */
  readonly judge: (standing: Standing) => Verdict;
  /** Folds a batch of events in and publishes what it changed, once. */
  readonly apply: Emit;
  /** Objects known by kind and readers watching, for metrics and the admin page. */
  readonly sizes: () => Readonly<Record<string, number>>;
  /** Ends every watch, which ends the streams that serve it without an error. */
  readonly close: () => void;
}

/** Joins index and snapshots: the only place that sees both. */
export function createWorld(
  { settings, log, hasStatuses = true }: {
    readonly settings: Settings;
    readonly log: Log;
    /** Whether statuses of objects say what of them is not in force; if not, the log says it. */
    readonly hasStatuses?: boolean;
  },
): World {
  const index = createIndex(settings, { hasStatuses });
  const endpoints = createSnapshots<EndpointsQuery, EndpointsAnswer>({
    name: JSON.stringify,
    keys: ({ kind, service }) => [
      kind === "import" ? importKey(idOf(service)) : serviceKey(idOf(service)),
    ],
    compute: (query) => endpointsOf(query, index),
    equal: sameEndpoints,
  });
  const profiles = createSnapshots<ProfileQuery, ProfileAnswer>({
    name: JSON.stringify,
    keys: keysOfTarget,
    compute: (query) => profileOf(query, index),
    equal: Bun.deepEquals,
  });
  const clientPolicies = createSnapshots<
    ClientPolicyQuery,
    ClientPolicy | null
  >({
    name: JSON.stringify,
    keys: keysOfClientPolicy,
    compute: (query) => clientPolicyOf(query, index),
    equal: Bun.deepEquals,
  });
  const serverPolicies = createSnapshots<
    ServerPolicyQuery,
    ServerPolicy | null
  >({
    name: JSON.stringify,
    keys: (query) => [
      "pod" in query
        ? podKey(idOf(query.pod))
        : externalKey(idOf(query.external)),
    ],
    compute: (query) => serverPolicyOf(query, index),
    equal: Bun.deepEquals,
  });
  const all = [endpoints, profiles, clientPolicies, serverPolicies];

  return {
    settings,
    endpoints,
    profiles,
    clientPolicies,
    serverPolicies,
    judge: (standing) => verdictOf(standing, index),
    apply: (events) => {
      const { keys, warnings } = index.apply(events);
      for (const snapshots of all) snapshots.refresh(keys);
      for (const warning of warnings) log.warn(warning, { stage: "index" });
    },
    sizes: () => ({
      ...index.sizes(),
      watchers: all.reduce((sum, { watchers }) => sum + watchers(), 0),
    }),
    close: () => {
      for (const snapshots of all) snapshots.close();
    },
  };
}

/** By address also with the EgressNetworks, of which any may come to mean it. */
function keysOfClientPolicy(query: ClientPolicyQuery): string[] {
  switch (query.kind) {
    case "address":
      return [policyIpKey(query.ip), EGRESS_KEY];
    case "service":
      return [policyKey(objectKey("Service", idOf(query.service)))];
    case "import":
      return [policyKey(objectKey("ServiceImport", idOf(query.service)))];
  }
}

function keysOfTarget(query: ProfileQuery): string[] {
  return [
    query.kind === "address"
      ? ipKey(query.ip)
      : serviceKey(idOf(query.service)),
  ];
}
