import { formatAddress, type SocketAddress } from "../../schemas/address.ts";
import type { Caller } from "../authorize.ts";
import type { Channel } from "../channel.ts";
import { dial } from "../connect.ts";
import {
  createHttp1Pool,
  type Http1Pool,
  type PoolOptions,
} from "../http/http1-pool.ts";
import {
  type BackOff,
  createHttp2Link,
  type Http2Link,
} from "../http/http2-link.ts";
import type { Http2Options } from "../http2/options.ts";
import { type ConnectionMeters, meter, type SocketChannel } from "../socket.ts";
import type { TcpOptions } from "../socket-options.ts";

/** One port of the pod's own applications, as the proxy reaches it with HTTP. */
export interface App {
  readonly address: SocketAddress;
  readonly http1: Http1Pool;
  readonly http2: Http2Link;
  /** Must be called once by everybody who has taken the application. */
  release(): void;
}

/** What answers at the pod's ports. */
export interface Applications {
  take(address: SocketAddress, caller: Caller): App;
  /** A connection for bytes that are not parsed. */
  open(address: SocketAddress): Promise<Channel>;
}

/** The pod's applications. */
export interface Apps {
  take(address: SocketAddress): App;
  /** A connection for bytes that are not parsed. */
  open(address: SocketAddress): Promise<SocketChannel>;
}

export interface AppsOptions {
  readonly connectTimeoutMs: number;
  readonly tcp: TcpOptions;
  readonly pool: PoolOptions;
  readonly backOff: BackOff;
  readonly http2: Http2Options;
  readonly meters: ConnectionMeters;
}

interface Entry {
  readonly app: App;
  users: number;
  idle?: ReturnType<typeof setTimeout>;
}

/**
 * Connections to the pod's applications, shared by all clients. An application is kept as long as a connection uses it,
 * and for the idle time of its own connections: a client that asks for every port crowds out nobody.
 */
export function createApps(options: AppsOptions): Apps {
  const entries = new Map<string, Entry>();
  const open = async (address: SocketAddress): Promise<SocketChannel> => {
    const channel = await dial(address, {
      timeoutMs: options.connectTimeoutMs,
      tcp: options.tcp,
      tls: null,
    });
    meter(channel, options.meters);
    return channel;
  };
  const create = (address: SocketAddress, key: string): App => {
    const { backOff, http2, pool } = options;
    const dialApp = () => open(address);
    const app: App = {
      address,
      http1: createHttp1Pool(dialApp, pool),
      http2: createHttp2Link(
        dialApp,
        { eager: false, backOff, http2 },
        () => {},
      ),
      release() {
        const entry = entries.get(key);
        if (entry === undefined || --entry.users > 0) return;
        entry.idle = setTimeout(() => {
          entries.delete(key);
          app.http1.close();
          app.http2.close();
        }, pool.idleMs);
      },
    };
    return app;
  };
  return {
    open,
    take(address) {
      const key = formatAddress(address);
      let entry = entries.get(key);
      if (entry === undefined) {
        entry = { app: create(address, key), users: 0 };
        entries.set(key, entry);
      }
      clearTimeout(entry.idle);
      entry.users += 1;
      return entry.app;
    },
  };
}
