import { contains, parseIp } from "../../schemas/address.ts";
import type { Backend, ClientRoute, Meta } from "../../schemas/policy.ts";
import type {
  ClientPolicyAnswer,
  ClientPolicyQuery,
  ObjectName,
} from "../views.ts";
import { bareEndpoint } from "./endpoint.ts";
import type { State } from "./fold.ts";
import { idOf } from "./keys.ts";
import { type DeclaredProtocol, declaredProtocol } from "./service-protocol.ts";
import { servicePort } from "./services.ts";

/** How long a proxy waits for a client's first bytes (fixed in Linkerd's policy controller). */
const DETECT_TIMEOUT_MS = 10_000;

/** Load estimate of an endpoint that has answered nothing yet, and how fast it forgets (as Linkerd). */
const LOAD = { defaultRttMs: 30, decayMs: 10_000 } as const;

/** How to call a target; null when it is inside the cluster and nothing is known of it. */
export function clientPolicyOf(
  query: ClientPolicyQuery,
  state: State,
): ClientPolicyAnswer | null {
  if (query.kind === "service") {
    return policyOfService(query.service, query.port, state);
  }
  const { ip, port } = query;
  for (const id of state.services.byIp.get(ip)) {
    const service = state.services.byId.get(id);
    if (service === undefined) continue;
    return servicePort(service, port) === undefined
      ? undeclaredPort(service.metadata, port)
      : policyOfService(service.metadata, port, state);
  }
  const bytes = parseIp(ip);
  const isInside = bytes !== null &&
    state.settings.clusterNetworks.some((network) => contains(network, bytes));
  return isInside ? null : egress(ip, port);
}

/** Neither the Service nor its port needs to be known: a policy by name holds for what may come. */
function policyOfService(
  service: ObjectName,
  port: number,
  state: State,
): ClientPolicyAnswer {
  const parent = serviceMeta(service, port);
  const { clusterDomain } = state.settings;
  const backend: Backend = {
    kind: "balancer",
    meta: parent,
    path: `${service.name}.${service.namespace}.svc.${clusterDomain}:${port}`,
    load: LOAD,
  };
  const protocol = declaredProtocol(
    state.services.byId.get(idOf(service)),
    port,
    state,
  );
  return { parent, protocol: protocolOf(protocol, backend) };
}

function protocolOf(
  declared: DeclaredProtocol,
  backend: Backend,
): ClientPolicyAnswer["protocol"] {
  const http = defaultRoute("http", backend);
  const opaque = defaultRoute("opaq", backend);
  switch (declared) {
    case "http1":
    case "http2":
      return { kind: declared, http };
    case "opaque":
      return { kind: "opaque", opaque };
    case "detect":
      return { kind: "detect", timeoutMs: DETECT_TIMEOUT_MS, http, opaque };
  }
}

function undeclaredPort(
  { namespace, name }: ObjectName,
  port: number,
): ClientPolicyAnswer {
  const opaque: ClientRoute = {
    meta: defaultMeta("undefined-port"),
    outcome: {
      kind: "forbidden",
      message: `Service ${name}.${namespace} does not declare port ${port}`,
    },
  };
  return {
    parent: serviceMeta({ namespace, name }, port),
    protocol: { kind: "opaque", opaque },
  };
}

function egress(ip: string, port: number): ClientPolicyAnswer {
  const parent = defaultMeta("egress-fallback");
  const route = defaultRoute("egress-fallback", {
    kind: "forward",
    meta: parent,
    endpoint: bareEndpoint({ ip, port }),
  });
  return {
    parent,
    protocol: {
      kind: "detect",
      timeoutMs: DETECT_TIMEOUT_MS,
      http: route,
      opaque: route,
    },
  };
}

function defaultRoute(name: string, backend: Backend): ClientRoute {
  return { meta: defaultMeta(name), outcome: { kind: "backend", backend } };
}

function defaultMeta(name: string): Meta {
  return { kind: "default", name };
}

function serviceMeta({ namespace, name }: ObjectName, port: number): Meta {
  return {
    kind: "resource",
    resource: {
      group: "core",
      kind: "Service",
      name,
      namespace,
      section: "",
      port,
    },
  };
}
