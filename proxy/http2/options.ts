import type { KeepAliveOptions } from "./keep-alive.ts";
import {
  MAX_HEADER_LIST_BYTES,
  PROXY_FIELDS_BYTES,
  type Rates,
  RATES_WITH_PROXIES,
} from "./limits.ts";
import type { Violation } from "./violation.ts";

/** How a connection behaves, on either side. */
export interface Http2Options {
  /** Body bytes the peer may have under way on one stream. Default 65,535, Linkerd's. */
  readonly initialStreamWindow?: number;
  /** And on all streams together; at least 65,535. Default 1,048,576, Linkerd's. */
  readonly initialConnectionWindow?: number;
  /** Decoded size of header lists, in bytes. Default `MAX_HEADER_LIST_BYTES`. */
  readonly maxHeaderListBytes?: number;
  /** Tests silent connections with PING; off by default. */
  readonly keepAlive?: KeepAliveOptions;
  /** In place of `RATES`. */
  readonly rates?: Rates;
  /** Hears of each limit the peer hits and each rule it breaks, for counters. */
  readonly violated?: (violation: Violation) => void;
  /** A clock in milliseconds, for rates. Default `performance.now`. */
  readonly now?: () => number;
}

/** How a server's connection behaves. */
export interface Http2ServerOptions extends Http2Options {
  /** Streams a client may have open. Default `MAX_CONCURRENT_STREAMS`. */
  readonly maxConcurrentStreams?: number;
}

/** The same for connections to and from other proxies. */
export function withProxies<O extends Http2Options>(options: O): O {
  const { maxHeaderListBytes = MAX_HEADER_LIST_BYTES } = options;
  return {
    ...options,
    rates: RATES_WITH_PROXIES,
    maxHeaderListBytes: maxHeaderListBytes + PROXY_FIELDS_BYTES,
  };
}

/** Window of the whole connection unless the options say another (facts: Linkerd's proxy, both sides). */
export const DEFAULT_CONNECTION_WINDOW = 1_048_576;
