import type { SocketAddress } from "../../schemas/address.ts";
import { describe, Problem } from "../../schemas/problem.ts";
import type { Waiter } from "../balance/failfast.ts";
import type { SocketChannel } from "../socket.ts";
import type { TcpUpstream } from "./tcp-upstream.ts";
import type { Upstreams } from "./backend.ts";
import type { TcpWay } from "./tcp-routes.ts";

/**
 * How many endpoints are tried before a connection is given up: the application has no way to ask again on the same
 * connection, and an endpoint that has just gone refuses at once.
 */
const MAX_ATTEMPTS = 3;

/** A connection, and whose it is. */
export interface Opened {
  readonly channel: SocketChannel;
  readonly address: SocketAddress;
}

/**
 * Opens a connection for unparsed bytes the way they take; rejects with a Problem. `session` tells the far proxy whether what they are is declared (null), or for it to find out.
 */
export async function openTunnel(
  way: Pick<TcpWay, "choose">,
  session: "detect" | null,
): Promise<Opened> {
  for (let attempt = 1;; attempt++) {
    const upstreams = way.choose();
    const upstream = upstreams.pick() ?? await next(upstreams);
    try {
      const channel = await upstream.open(session);
      return { channel, address: upstream.endpoint.address };
    } catch (error) {
      if (attempt === MAX_ATTEMPTS) {
        throw error instanceof Problem
          ? error
          : new Problem("connect.failed", describe(error), { cause: error });
      }
    }
  }
}

function next(upstreams: Upstreams<TcpUpstream>): Promise<TcpUpstream> {
  return new Promise((resolve, reject) => {
    const waiter: Waiter<TcpUpstream> = { use: resolve, refuse: reject };
    upstreams.wait(waiter);
  });
}
