import type { SocketAddress } from "../../schemas/address.ts";
import type { Endpoint } from "../../schemas/destination.ts";
import type { ExternalWorkload } from "../../schemas/kube.ts";
import { PORTS } from "../../schemas/names.ts";
import { isOpaqueEndpoint, ownerLabel, WEIGHT } from "./endpoint.ts";
import type { State } from "./state.ts";

/** The name of the port, if one is declared, on which an ExternalWorkload's proxy takes direct connections. */
const PROXY_PORT = "linkerd-proxy";

/** An ExternalWorkload's port with all that is needed to reach it: it is meshed, or would be no ExternalWorkload. */
export function externalEndpoint(
  external: ExternalWorkload,
  address: SocketAddress,
  zone: string,
  state: State,
): Endpoint {
  const { metadata, spec } = external;
  const { identity, serverName } = spec.meshTLS;
  const proxy = spec.ports?.find(({ name }) => name === PROXY_PORT);
  return {
    address,
    weight: WEIGHT,
    labels: {
      external_workload: metadata.name,
      ...ownerLabel(external),
      zone,
      zone_locality: "unknown",
    },
    identity: {
      id: identity,
      kind: identity.includes("://") ? "uri" : "dns",
      serverName,
    },
    protocolHint: isOpaqueEndpoint(external, address.port, state)
      ? "opaque"
      : "h2",
    inboundPort: proxy?.port ?? PORTS.inbound,
    authorityOverride: null,
    http2: state.settings.meshedHttp2,
  };
}
