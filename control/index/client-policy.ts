import { contains, parseIp } from "../../schemas/address.ts";
import type { Backend, ClientPolicy } from "../../schemas/client-policy.ts";
import type { EgressNetwork, Service } from "../../schemas/kube.ts";
import { MULTICLUSTER } from "../../schemas/kube/parents.ts";
import type { ClientPolicyQuery } from "../views.ts";
import { protocolOf } from "./client-protocol.ts";
import { balancer } from "./client-routes.ts";
import { LOAD, NO_TRAFFIC, trafficOf } from "./client-traffic.ts";
import { egressNetworkOf } from "./egress.ts";
import { bareEndpoint } from "./endpoint.ts";
import { idOf } from "./keys.ts";
import { declaredProtocol, isOpaqueEgress } from "./service-protocol.ts";
import { servicePort } from "./services.ts";
import type { State } from "./state.ts";
import { forbidStream } from "./stream-routes.ts";
import { defaultMeta, resourceOf } from "./target-names.ts";

/** How to call a target; null when it is inside the cluster and nothing is known of it. */
export function clientPolicyOf(
  query: ClientPolicyQuery,
  state: State,
): ClientPolicy | null {
  const { clientNamespace, port } = query;
  switch (query.kind) {
    case "service":
    case "import":
      return policyOfName(query, state);
    case "address":
      break;
  }
  const { ip } = query;
  for (const service of state.services.byIp.get(ip)) {
    const { namespace, name } = service.metadata;
    return servicePort(service, port) === undefined
      ? undeclaredPort(service.metadata, port)
      : policyOfName({
        kind: "service",
        service: { namespace, name },
        port,
        clientNamespace,
      }, state);
  }
  for (const { metadata } of state.outbound.imports.byIp.get(ip)) {
    const { namespace, name } = metadata;
    const service = { namespace, name };
    return policyOfName(
      { kind: "import", service, port, clientNamespace },
      state,
    );
  }
  const network = egressNetworkOf(ip, clientNamespace, state);
  if (network !== null) return policyOfEgress(network, query, state);
  const bytes = parseIp(ip);
  const isInside = bytes !== null &&
    state.settings.clusterNetworks.some((one) => contains(one, bytes));
  return isInside ? null : egress(ip, port, state);
}

/** Neither the Service nor its port needs to be known: a policy by name holds for what may come. */
function policyOfName(
  query: ClientPolicyQuery & { readonly kind: "service" | "import" },
  state: State,
): ClientPolicy {
  const { service: name, port, clientNamespace } = query;
  const id = idOf(name);
  const kind = query.kind === "service" ? "Service" : "ServiceImport";
  const object = kind === "Service"
    ? state.services.byId.get(id)
    : state.outbound.imports.byId.get(id);
  const meta = resourceOf({
    group: kind === "Service" ? "core" : MULTICLUSTER,
    kind,
    ...name,
    port,
  });
  const traffic = object === undefined
    ? NO_TRAFFIC
    : trafficOf(object.metadata);
  const { load } = traffic;
  const to = (load: typeof LOAD): Backend =>
    balancer(kind, name, port, { meta, load }, state);
  return {
    parent: meta,
    protocol: protocolOf({
      parent: { kind, ...name },
      port,
      portName: object?.spec.ports?.find((one) => one.port === port)?.name,
      clientNamespace,
      declared: declaredProtocol(object, port, state),
      self: to(load),
      selfOpaque: to(LOAD),
      traffic,
      tail: null,
    }, state),
  };
}

function policyOfEgress(
  { metadata, spec }: EgressNetwork,
  query: ClientPolicyQuery & { readonly kind: "address" },
  state: State,
): ClientPolicy {
  const { ip, port, clientNamespace } = query;
  const { namespace, name } = metadata;
  const kind = "EgressNetwork";
  const group = "policy.linkerd.io";
  const meta = resourceOf({ group, kind, namespace, name, port });
  const self = forward(meta, ip, port);
  // Nobody balances over one address.
  const traffic = { ...trafficOf(metadata), load: LOAD };
  return {
    parent: meta,
    protocol: protocolOf({
      parent: { kind, namespace, name },
      port,
      portName: undefined,
      clientNamespace,
      declared: isOpaqueEgress(metadata, port, state) ? "opaque" : "detect",
      self,
      selfOpaque: self,
      traffic,
      tail: spec.trafficPolicy === "Allow" ? "allow" : "deny",
    }, state),
  };
}

function undeclaredPort(
  { namespace, name }: Service["metadata"],
  port: number,
): ClientPolicy {
  const kind = "Service";
  return {
    parent: resourceOf({ group: "core", kind, namespace, name, port }),
    protocol: { kind: "opaque", opaque: forbidStream("undefined-port") },
  };
}

/** Outside of the cluster, where no EgressNetwork says anything. */
function egress(ip: string, port: number, state: State): ClientPolicy {
  const name = "egress-fallback";
  const parent = defaultMeta(name);
  const self = forward(parent, ip, port);
  return {
    parent,
    protocol: protocolOf({
      parent: null,
      port,
      portName: undefined,
      clientNamespace: null,
      declared: "detect",
      self,
      selfOpaque: self,
      traffic: NO_TRAFFIC,
      tail: null,
      defaultName: name,
    }, state),
  };
}

function forward(
  meta: ClientPolicy["parent"],
  ip: string,
  port: number,
): Backend {
  return { kind: "forward", meta, endpoint: bareEndpoint({ ip, port }) };
}
