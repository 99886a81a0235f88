import type { Channel } from "../channel.ts";
import { connectHttp1 } from "../http1/client.ts";
import { connectHttp2 } from "../http2/client.ts";
import type { Lease } from "./http1-pool.ts";
import type { ClientConnection } from "./message.ts";

/**
 * Gives a connection that was opened before the client spoke to the first request, so that no server sees a connection
 * without one. Anything wrong with it: `otherwise`.
 */
export function leaseEarly(
  early: Promise<Channel>,
  protocol: "http1" | "http2",
  lease: Lease,
  otherwise: () => void,
): void {
  early.then((channel) => {
    if (channel.closed) return otherwise();
    let leased = false;
    let connection: ClientConnection | null = null;
    const use = () => {
      if (connection === null || !connection.ready) return;
      // Ready a second time: the request is done, and nobody else wants the connection.
      if (leased || !lease.use(connection, false)) connection.drain();
      leased = true;
    };
    const events = { ready: use, retiring() {}, closed() {} };
    connection = protocol === "http1"
      ? connectHttp1(channel, events)
      : connectHttp2(channel, {}, events);
    if (!leased) use();
  }, otherwise);
}
