import type { Endpoint } from "../../schemas/destination.ts";
import { Problem } from "../../schemas/problem.ts";
import { acceptDirect } from "../inbound/direct.ts";
import { type Listener, listenTcp, type SocketChannel } from "../socket.ts";
import type { Credentials } from "../tls.ts";
import type { TransportHeader } from "../wire/transport-header.ts";
import { THIS_HOST } from "./endpoint-bed.ts";
import { endpointAt } from "./endpoints.ts";

/** What is at the other end of connections to an endpoint; it listens once. */
export class FarSide {
  readonly accepted: SocketChannel[] = [];
  /** What the far proxy was told, if it was asked as one. */
  readonly headers: TransportHeader[] = [];
  private listener: Listener | null = null;

  /** A server that is no proxy. */
  listen(): Endpoint {
    this.listener = listenTcp({ ip: THIS_HOST, port: 0 }, {}, (channel) => {
      this.accepted.push(channel);
    });
    return endpointAt(THIS_HOST, this.listener.address.port);
  }

  /** A meshed endpoint `web.shop`: its proxy listens, its application at port 8080 does not. */
  listenMeshed(
    server: Credentials,
    hint: Endpoint["protocolHint"],
    then: (channel: SocketChannel) => void = () => {},
  ): Endpoint {
    this.listener = listenTcp({ ip: THIS_HOST, port: 0 }, {}, (channel) => {
      this.accepted.push(channel);
      acceptDirect(channel, server, 1_000, (outcome) => {
        if (outcome instanceof Problem) return;
        this.headers.push(outcome.header);
        then(channel);
      });
    });
    return {
      ...endpointAt(THIS_HOST, 8_080),
      identity: { id: "web.shop", kind: "dns", serverName: "web.shop" },
      protocolHint: hint,
      inboundPort: this.listener.address.port,
    };
  }

  /** Nobody answers from here on. */
  stopListening(): void {
    this.listener?.close();
  }

  close(): void {
    this.stopListening();
    for (const channel of this.accepted) channel.destroy();
  }
}
