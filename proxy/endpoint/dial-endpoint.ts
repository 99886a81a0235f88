import {
  formatAddress,
  type HostPort,
  parseHostPort,
  type SocketAddress,
} from "../../schemas/address.ts";
import type { Endpoint } from "../../schemas/destination.ts";
import { Problem } from "../../schemas/problem.ts";
import { type ClientTls, dial } from "../connect.ts";
import type { SocketChannel } from "../socket.ts";
import type { Credentials } from "../tls.ts";
import {
  type TransportHeader,
  writeTransportHeader,
} from "../wire/transport-header.ts";
import type { EndpointContext } from "./context.ts";

/**
 * Dials an endpoint: mutual TLS when discovery named an identity, then the transport header when it has a proxy port, or is
 * a gateway to what its header names.
 */
export async function dialEndpoint(
  endpoint: Endpoint,
  local: boolean,
  session: TransportHeader["session"],
  context: EndpointContext,
): Promise<SocketChannel> {
  const { address, identity, inboundPort } = endpoint;
  if (isLoopback(address)) {
    throw new Problem(
      "connect.failed",
      `Cannot connect to ${formatAddress(address)}: it is a loopback address`,
      {
        hint: "a proxy reaches its own pod by the pod's address",
      },
    );
  }
  const beyond = local ? null : beyondOf(endpoint);
  const direct = inboundPort !== null || beyond !== null;
  const tls = identity === null || local
    ? null
    : clientTls(identity, direct, context.credentials());
  const channel = await dial(
    tls === null || inboundPort === null
      ? address
      : { ip: address.ip, port: inboundPort },
    {
      timeoutMs: context.connectTimeoutMs,
      tcp: context.tcp,
      tls,
    },
  );
  if (direct && tls !== null) {
    writeTransportHeader(channel.out, {
      port: beyond?.port ?? address.port,
      name: beyond?.host ?? "",
      session,
    });
    channel.flush();
  }
  return channel;
}

/** What is meant behind a gateway (facts 3.6); null when the endpoint itself is. */
function beyondOf({ authorityOverride, address }: Endpoint): HostPort | null {
  if (authorityOverride === null) return null;
  const beyond = parseHostPort(authorityOverride, address.port);
  if (beyond !== null) return beyond;
  throw new Problem(
    "protocol.invalid",
    `Cannot reach ${authorityOverride} through the gateway ${
      formatAddress(address)
    }: expected host:port`,
  );
}

function clientTls(
  peer: ClientTls["peer"],
  transportHeader: boolean,
  credentials: Credentials | null,
): ClientTls {
  if (credentials === null) {
    throw new Problem(
      "identity.unavailable",
      `Cannot connect to ${peer.id}: this proxy has no certificate yet`,
    );
  }
  return { credentials, peer, transportHeader };
}

function isLoopback(address: SocketAddress): boolean {
  return address.ip.startsWith("127.") || address.ip === "::1";
}
