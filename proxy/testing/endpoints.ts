import type { Endpoint } from "../../schemas/destination.ts";
import type { Peer } from "../endpoint.ts";

/** An endpoint without a mesh around it: plaintext, at port 80 unless another is given. */
export function endpointAt(ip: string, port = 80): Endpoint {
  return {
    address: { ip, port },
    weight: 10_000,
    labels: {},
    identity: null,
    protocolHint: "none",
    inboundPort: null,
    authorityOverride: null,
    http2: null,
  };
}

/** The same, as requests to it see it. */
export function peerAt(ip: string, port = 80): Peer {
  const { address, labels } = endpointAt(ip, port);
  const reason = "not_provided_by_service_discovery";
  return { address, labels, tls: { kind: "none", reason } };
}
