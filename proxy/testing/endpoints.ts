import type { Endpoint } from "../../schemas/destination.ts";

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
