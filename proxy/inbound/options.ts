import type { SocketAddress } from "../../schemas/address.ts";
import type { InFlight } from "../direction.ts";
import type { Drain } from "../drain.ts";
import type { GatewayOptions } from "../gateway/passage.ts";
import type { Http1ServerOptions } from "../http1/server.ts";
import type { Http2ServerOptions } from "../http2/options.ts";
import type { Log } from "../log.ts";
import type { ListenOptions } from "../socket.ts";
import type { Taps } from "../tap/taps.ts";
import type { Credentials } from "../tls.ts";
import type { Tracing } from "../trace/request-trace.ts";
import type { AccessLog } from "./access-log.ts";
import type { Applications } from "./apps.ts";
import type { Authorities } from "./authorities.ts";
import type { Port } from "./ports.ts";
import type { Profiles } from "./profiles.ts";
import type { InboundRecorder } from "./recorder.ts";

/** What the inbound side is made of. */
export interface InboundOptions {
  readonly listen: SocketAddress;
  /** What a connection to this very port is: another proxy's, with a transport header, unless it is an application's own. */
  readonly ownPort?: "application";
  readonly accept: ListenOptions;
  /** Addresses of our own pod; empty: any. */
  readonly ownIps: ReadonlySet<string>;
  /** Our own name, as clients ask for it. */
  readonly name: string;
  readonly credentials: () => Credentials | null;
  /** For the TLS handshake and the transport header; HTTP detection has the policy's. */
  readonly detectTimeoutMs: number;
  readonly ports: { take(port: number): Port };
  readonly apps: Applications;
  readonly http1: Http1ServerOptions;
  readonly http2: Http2ServerOptions;
  readonly inFlight: InFlight;
  readonly recorder: InboundRecorder;
  readonly authorities?: Authorities | undefined;
  /** Set when requests are counted by the routes of ServiceProfiles. */
  readonly profiles?: Profiles | undefined;
  /** Set when each request is logged. */
  readonly accessLog?: AccessLog | undefined;
  /** Set when requests take part in traces. */
  readonly tracing?: Tracing | undefined;
  /** Set when connections may name what is behind this proxy. */
  readonly gateway?: GatewayOptions | undefined;
  /** Set when requests can be tapped. */
  readonly taps?: Taps | undefined;
  readonly drain: Drain;
  readonly log: Log;
}
