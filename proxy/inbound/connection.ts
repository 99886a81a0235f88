import type { SocketAddress } from "../../schemas/address.ts";
import type { Caller } from "../authorize.ts";
import type { Channel } from "../channel.ts";
import type { TlsStatus } from "../record/labels.ts";
import type { SocketChannel } from "../socket.ts";
import type { Port } from "./ports.ts";
import type { Counted } from "./recorder.ts";

/** A connection on its way to an application. */
export interface Connection {
  /** The socket that was accepted. */
  readonly socket: SocketChannel;
  /** What the client says, decrypted. */
  readonly channel: Channel;
  readonly address: SocketAddress;
  readonly port: Port;
  readonly caller: Caller;
  readonly tls: TlsStatus;
}

/** A connection as metrics tell of it, under the policy of this moment. */
export function counted({ address, tls, port }: Connection): Counted {
  return { target: address, tls, server: port.policy.meta };
}
