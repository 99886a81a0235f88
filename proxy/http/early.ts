import type { Channel } from "../channel.ts";
import { connectHttp1 } from "../http1/client.ts";
import { connectHttp2 } from "../http2/client.ts";
import type { Lease } from "./http1-pool.ts";
import type { ClientConnection, RequestHead } from "./message.ts";

/**
 * A connection to a server that was opened before the client spoke. It is for the client's first request, so that no
 * server sees a connection without one.
 */
export interface Early {
  /** Gives it away, once; null when there is none (any more). */
  take(): Promise<Channel> | null;
  /** Closes it unless it has been taken. */
  release(): void;
}

/** Holds what detection has opened, if anything. */
export function createEarly(opened: Promise<Channel> | null): Early {
  let kept = opened;
  const take = (): Promise<Channel> | null => {
    const taken = kept;
    kept = null;
    return taken;
  };
  return {
    take,
    release: () => void take()?.then((channel) => channel.destroy(), () => {}),
  };
}

/** Lends an early connection to one request. Anything wrong with it: `otherwise`. */
export function leaseEarly(
  early: Promise<Channel>,
  head: RequestHead,
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
    connection = head.version === "2"
      ? connectHttp2(channel, {}, events)
      : connectHttp1(channel, events);
    if (!leased) use();
  }, otherwise);
}
