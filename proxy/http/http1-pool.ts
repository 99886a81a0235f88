import type { Channel } from "../channel.ts";
import { describe, Problem } from "../../schemas/problem.ts";
import { connectHttp1 } from "../http1/client.ts";
import type { ClientConnection } from "./message.ts";

export interface PoolOptions {
  /** Idle connections kept; more are closed when they become idle. */
  readonly maxIdle: number;
  /** How long a connection may stay idle. */
  readonly idleMs: number;
}

/**
 * Who wants a connection: exactly one of the two is called. `reused`: it has carried requests before, and its peer may be
 * closing it right now.
 */
export interface Lease {
  /** Gets a connection that is ready. False: no longer wanted. */
  use(connection: ClientConnection, reused: boolean): boolean;
  refuse(problem: Problem): void;
}

/** HTTP/1 connections to one address: one request at a time each, the last used first. */
export interface Http1Pool {
  acquire(lease: Lease): void;
  /** Opens a new connection whatever is idle. */
  acquireFresh(lease: Lease): void;
  close(): void;
}

interface Parked {
  readonly connection: ClientConnection;
  /** Since when it is idle. */
  sinceMs: number;
}

const CLOSED_AT_ONCE = new Problem(
  "connect.failed",
  "the peer closed the connection as soon as it was open",
);

/** `open` dials; it rejects with a Problem. */
export function createHttp1Pool(
  open: () => Promise<Channel>,
  options: PoolOptions,
): Http1Pool {
  const idle: Parked[] = [];
  let reaper: ReturnType<typeof setTimeout> | null = null;
  let closed = false;

  const reap = () => {
    reaper = null;
    const nowMs = performance.now();
    while (idle[0] !== undefined && nowMs - idle[0].sinceMs >= options.idleMs) {
      idle.shift()?.connection.drain();
    }
    const oldest = idle[0];
    if (oldest !== undefined) {
      reaper = setTimeout(reap, options.idleMs - (nowMs - oldest.sinceMs));
    }
  };
  const park = (parked: Parked) => {
    if (closed || idle.length >= options.maxIdle) {
      return parked.connection.drain();
    }
    parked.sinceMs = performance.now();
    idle.push(parked);
    reaper ??= setTimeout(reap, options.idleMs);
  };
  const forget = (parked: Parked | null) => {
    const at = parked === null ? -1 : idle.indexOf(parked);
    if (at >= 0) idle.splice(at, 1);
  };
  const acquireFresh = (lease: Lease) => {
    open().then(
      (channel) => {
        let parked: Parked | null = null;
        const connection = connectHttp1(channel, {
          ready: () => parked !== null && park(parked),
          // Told at once when the server has closed already.
          retiring: () => forget(parked),
          closed: () => forget(parked),
        });
        parked = { connection, sinceMs: 0 };
        if (!connection.ready) lease.refuse(CLOSED_AT_ONCE);
        else if (!lease.use(connection, false)) park(parked);
      },
      (error: unknown) =>
        lease.refuse(
          error instanceof Problem
            ? error
            : new Problem("connect.failed", describe(error), { cause: error }),
        ),
    );
  };

  return {
    acquire(lease) {
      const parked = idle.pop();
      if (parked === undefined || !parked.connection.ready) acquireFresh(lease);
      else if (!lease.use(parked.connection, true)) park(parked);
    },
    acquireFresh,
    close() {
      closed = true;
      if (reaper !== null) clearTimeout(reaper);
      for (const { connection } of idle.splice(0)) connection.drain();
    },
  };
}
