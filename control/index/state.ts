import type {
  ExternalWorkload,
  Namespace,
  Pod,
  Server,
  Service,
  ServiceProfile,
} from "../../schemas/kube.ts";
import { type Addressed, createAddressed } from "./addressed.ts";
import { createNamed } from "./named.ts";
import { createOutbound, type Outbound } from "./outbound.ts";
import { createPolicies, type Policies } from "./policies.ts";
import type { Servers } from "./servers.ts";
import type { ServiceProfiles } from "./service-profiles.ts";
import { clusterIps } from "./services.ts";
import type { Settings } from "./settings.ts";
import { createSlices, type Slices } from "./slices.ts";
import { externalIps, foundAt } from "./workloads.ts";

/** The objects as they are now, arranged for the questions that are asked of them. Only folding changes it. */
export interface State {
  readonly settings: Settings;
  readonly namespaces: Map<string, Namespace>;
  readonly services: Addressed<Service>;
  readonly slices: Slices;
  readonly pods: Addressed<Pod>;
  readonly externals: Addressed<ExternalWorkload>;
  readonly servers: Servers;
  readonly profiles: ServiceProfiles;
  readonly policies: Policies;
  readonly outbound: Outbound;
}

/** A state without objects. */
export function createState(settings: Settings): State {
  return {
    settings,
    namespaces: new Map(),
    services: createAddressed(clusterIps),
    slices: createSlices(),
    pods: createAddressed(foundAt),
    externals: createAddressed(externalIps),
    servers: createNamed<Server>(),
    profiles: createNamed<ServiceProfile>(),
    policies: createPolicies(),
    outbound: createOutbound(),
  };
}

/** How many objects of each kind are known. */
export function sizesOf(state: State): Readonly<Record<string, number>> {
  const { policies, outbound } = state;
  return {
    namespaces: state.namespaces.size,
    services: state.services.byId.size,
    slices: state.slices.byId.size,
    pods: state.pods.byId.size,
    externalWorkloads: state.externals.byId.size,
    servers: state.servers.byId.size,
    profiles: state.profiles.byId.size,
    authorizations: policies.serverAuthorizations.byId.size +
      policies.authorizationPolicies.byId.size,
    authentications: policies.meshTls.byId.size + policies.networks.byId.size,
    routes: outbound.routes.byId.size,
    imports: outbound.imports.byId.size,
    egressNetworks: outbound.egress.byId.size,
    grants: outbound.grants.byId.size,
    rateLimits: policies.rateLimits.byId.size,
  };
}
