import type { Channel } from "../channel.ts";
import { connectHttp1 } from "../http1/client.ts";
import { connectHttp2 } from "../http2/client.ts";
import type { Lease } from "./http1-pool.ts";
import type { ClientEvents, RequestHead } from "./message.ts";

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

/** Lends an early connection to one request, and closes it behind it. Anything wrong with it: `otherwise`. */
export function leaseEarly(
  early: Promise<Channel>,
  head: RequestHead,
  lease: Lease,
  otherwise: () => void,
): void {
  early.then((channel) => {
    const connection = head.version === "2"
      ? connectHttp2(channel, {}, NO_EVENTS)
      : connectHttp1(channel, NO_EVENTS);
    if (!connection.ready) {
      connection.destroy();
      return otherwise();
    }
    lease.use(connection, false);
    // Nobody else will want it.
    connection.drain();
  }, otherwise);
}

const NO_EVENTS: ClientEvents = { ready() {}, retiring() {}, closed() {} };
