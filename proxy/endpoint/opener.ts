import type { Endpoint } from "../../schemas/destination.ts";
import type { TlsStatus } from "../record/labels.ts";
import { TcpRecorder } from "../record/tcp.ts";
import {
  outboundDestinationLabels,
  outboundLabels,
} from "../record/traffic.ts";
import { meter, type SocketChannel } from "../socket.ts";
import type { TransportHeader } from "../wire/transport-header.ts";
import type { EndpointContext } from "./context.ts";
import { dialEndpoint } from "./dial-endpoint.ts";

/** Opens connections to one endpoint and counts them. */
export interface Opener {
  /** `session`: what the bytes will be. */
  open(session: TransportHeader["session"]): Promise<SocketChannel>;
  /** Labels of requests to it. */
  readonly requestLabels: string;
  readonly tls: TlsStatus;
  /** True when the endpoint is our own pod. */
  readonly local: boolean;
  close(): void;
}

/** Prepares to connect to an endpoint as its description says. */
export function createOpener(
  endpoint: Endpoint,
  authority: string | undefined,
  context: EndpointContext,
): Opener {
  const local = context.ownIps.has(endpoint.address.ip);
  const tls: TlsStatus = endpoint.identity === null || local
    ? {
      kind: "none",
      reason: local
        ? "loopback"
        : context.unidentified ?? "not_provided_by_service_discovery",
    }
    : { kind: "dialled", serverId: endpoint.identity.id };
  const labelled = {
    target: endpoint.address,
    tls,
    labels: endpoint.labels,
    ...(authority === undefined ? {} : { authority }),
  };
  const connections = new TcpRecorder(
    context.families.tcp,
    outboundDestinationLabels(labelled),
  );
  // The endpoint's owner and every connection hold the series: a tunnel may outlive the endpoint by days.
  let holders = 1;
  const letGo = () => {
    if (--holders === 0) connections.release();
  };
  return {
    requestLabels: outboundLabels(labelled),
    tls,
    local,
    async open(session) {
      holders += 1;
      try {
        const channel = await dialEndpoint(
          endpoint,
          local,
          endpoint.protocolHint === "opaque" ? null : session,
          context,
        );
        meter(channel, connections);
        channel.whenClosed(letGo);
        return channel;
      } catch (error) {
        letGo();
        throw error;
      }
    },
    close: letGo,
  };
}
