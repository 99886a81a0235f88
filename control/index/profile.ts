import type { SocketAddress } from "../../schemas/address.ts";
import type { Endpoint } from "../../schemas/destination.ts";
import type { ExternalWorkload, Pod, Service } from "../../schemas/kube.ts";
import type { ProfileAnswer, ProfileQuery } from "../views.ts";
import { bareEndpoint, isOpaqueEndpoint, podEndpoint } from "./endpoint.ts";
import { endpointsOf } from "./endpoints.ts";
import { externalEndpoint } from "./external-endpoint.ts";
import { idOf } from "./keys.ts";
import { includesPort } from "./ports.ts";
import { routingOf } from "./profile-routing.ts";
import { serviceProfileOf } from "./service-profiles.ts";
import { declaredProtocol } from "./service-protocol.ts";
import { servicePort } from "./services.ts";
import type { State } from "./state.ts";
import {
  isRunning,
  namedPorts,
  podIps,
  tcpPorts,
  type Workload,
} from "./workloads.ts";

/** What is known of a target: the Service or the Pod that it is, and whether it is to be parsed. */
export function profileOf(query: ProfileQuery, state: State): ProfileAnswer {
  return query.kind === "address"
    ? profileOfAddress(query, state)
    : profileOfName(query, state);
}

function profileOfAddress(
  { ip, port, clientNamespace }: ProfileQuery & { readonly kind: "address" },
  state: State,
): ProfileAnswer {
  const services = [...state.services.byIp.get(ip)];
  if (services.length > 1) return ambiguous(services);
  const [service] = services;
  if (service !== undefined) {
    return profileOfService(service, port, clientNamespace, state);
  }

  const known = [...state.pods.byIp.get(ip)].filter(isRunning);
  const pods = known.filter((pod) =>
    pod.spec?.hostNetwork !== true && podIps(pod).includes(ip)
  );
  if (pods.length > 1) return ambiguous(pods);
  const [pod] = pods;
  if (pod !== undefined) return profileOfPod(pod, { ip, port }, state);
  for (const pod of known) {
    const claim = tcpPorts(pod).find(({ hostPort }) => hostPort === port);
    const [own] = podIps(pod);
    if (claim === undefined || own === undefined) continue;
    // The Pod's own address, because only there does its proxy listen as well.
    return profileOfPod(pod, { ip: own, port: claim.containerPort }, state);
  }
  const externals = [...state.externals.byIp.get(ip)].filter((external) =>
    namedPorts(external).some((declared) => declared.port === port)
  );
  if (externals.length > 1) return ambiguous(externals);
  const [external] = externals;
  if (external !== undefined) {
    return profileOfExternal(external, { ip, port }, state);
  }
  return {
    kind: "endpoint",
    endpoint: bareEndpoint({ ip, port }),
    opaque: includesPort(state.settings.defaultOpaquePorts, port),
  };
}

function profileOfName(
  { service: name, hostname, port, clientNamespace }: ProfileQuery & {
    readonly kind: "service";
  },
  state: State,
): ProfileAnswer {
  const service = state.services.byId.get(idOf(name));
  if (service === undefined) return { kind: "absent" };
  if (service.spec.type === "ExternalName") return { kind: "external" };
  if (hostname === null) {
    return profileOfService(service, port, clientNamespace, state);
  }
  const answer = endpointsOf(
    { service: name, port, hostname, nodeName: null },
    state,
  );
  const [endpoint] = answer.kind === "known" ? answer.endpoints.values() : [];
  if (endpoint === undefined) return { kind: "absent" };
  const { pod: podName = "", external_workload: externalName = "" } =
    endpoint.labels;
  const external = state.externals.byId.get(
    idOf({ ...name, name: externalName }),
  );
  if (external !== undefined) {
    return profileOfExternal(external, endpoint.address, state);
  }
  const pod = state.pods.byId.get(idOf({ ...name, name: podName }));
  return pod === undefined
    ? {
      kind: "endpoint",
      endpoint,
      opaque: includesPort(state.settings.defaultOpaquePorts, port),
    }
    : profileOfPod(pod, endpoint.address, state);
}

function profileOfService(
  service: Service,
  port: number,
  clientNamespace: string | null,
  state: State,
): ProfileAnswer {
  if (servicePort(service, port) === undefined) return { kind: "undeclared" };
  const { settings, profiles } = state;
  const { namespace, name } = service.metadata;
  const profile = serviceProfileOf(
    { namespace, name },
    clientNamespace,
    profiles,
    settings.clusterDomain,
  );
  return {
    kind: "service",
    service: { namespace, name },
    port,
    opaque: declaredProtocol(service, port, state) === "opaque",
    routing: routingOf({ namespace, name }, port, profile, settings),
  };
}

function profileOfPod(
  pod: Pod,
  address: SocketAddress,
  state: State,
): ProfileAnswer {
  return profileOfEndpoint(
    pod,
    podEndpoint(pod, address, "", state),
    state,
  );
}

function profileOfExternal(
  external: ExternalWorkload,
  address: SocketAddress,
  state: State,
): ProfileAnswer {
  return profileOfEndpoint(
    external,
    externalEndpoint(external, address, "", state),
    state,
  );
}

function profileOfEndpoint(
  workload: Workload,
  endpoint: Endpoint,
  state: State,
): ProfileAnswer {
  const { namespace } = workload.metadata;
  return {
    kind: "endpoint",
    endpoint: { ...endpoint, labels: { ...endpoint.labels, namespace } },
    opaque: isOpaqueEndpoint(workload, endpoint.address.port, state),
  };
}

function ambiguous(claimants: readonly (Service | Workload)[]): ProfileAnswer {
  return {
    kind: "ambiguous",
    claims: claimants.map(({ kind, metadata }) => `${kind} ${idOf(metadata)}`),
  };
}
