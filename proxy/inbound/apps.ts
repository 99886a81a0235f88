import { formatAddress, type SocketAddress } from "../../schemas/address.ts";
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
import {
  type ConnectionMeters,
  meter,
  type SocketChannel,
  type TcpOptions,
} from "../socket.ts";

/** One port of the pod's own applications, as the proxy reaches it. */
export interface App {
  readonly address: SocketAddress;
  readonly http1: Http1Pool;
  readonly http2: Http2Link;
  /** For bytes that are not parsed. */
  open(): Promise<SocketChannel>;
}

export interface AppsOptions {
  readonly connectTimeoutMs: number;
  readonly tcp: TcpOptions;
  readonly pool: PoolOptions;
  readonly backOff: BackOff;
  readonly http2: Http2Options;
  readonly meters: ConnectionMeters;
}

/** Ports remembered; a pod has a handful, and a client may ask for any: the oldest is forgotten first. */
const MAX_APPS = 256;

/** Connections to the pod's applications, shared by all clients. */
export function createApps(
  options: AppsOptions,
): (address: SocketAddress) => App {
  const apps = new Map<string, App>();
  const create = (address: SocketAddress): App => {
    const open = async () => {
      const channel = await dial(address, {
        timeoutMs: options.connectTimeoutMs,
        tcp: options.tcp,
        tls: null,
      });
      meter(channel, options.meters);
      return channel;
    };
    const link = {
      eager: false,
      backOff: options.backOff,
      http2: options.http2,
    };
    return {
      address,
      open,
      http1: createHttp1Pool(open, options.pool),
      http2: createHttp2Link(open, link, () => {}),
    };
  };
  return (address) => {
    const key = formatAddress(address);
    const known = apps.get(key);
    if (known !== undefined) return known;
    const [oldest] = apps;
    if (apps.size >= MAX_APPS && oldest !== undefined) {
      apps.delete(oldest[0]);
      oldest[1].http1.close();
      oldest[1].http2.close();
    }
    const app = create(address);
    apps.set(key, app);
    return app;
  };
}
