import type { BackOff } from "../http/http2-link.ts";
import type { PoolOptions } from "../http/http1-pool.ts";
import type { Http2Options } from "../http2/options.ts";
import type { Families } from "../record/families.ts";
import type { NoTlsReason } from "../record/labels.ts";
import type { TcpOptions } from "../socket-options.ts";
import type { Credentials } from "../tls.ts";

/** What reaching endpoints needs of the proxy. */
export interface EndpointContext {
  readonly credentials: () => Credentials | null;
  /** Addresses of our own pod: an endpoint there is reached in plaintext at the application's port. */
  readonly ownIps: ReadonlySet<string>;
  readonly connectTimeoutMs: number;
  readonly tcp: TcpOptions;
  readonly pool: PoolOptions;
  readonly backOff: BackOff;
  readonly http2: Http2Options;
  readonly families: Families;
  /** Why endpoints without an identity have none; by default because discovery names none. */
  readonly unidentified?: NoTlsReason;
}
