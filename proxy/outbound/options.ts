import type { SocketAddress } from "../../schemas/address.ts";
import type { QueueOptions } from "../balance/failfast.ts";
import type { Control } from "../control.ts";
import type { DiscoverOptions } from "../discover.ts";
import type { Drain } from "../drain.ts";
import type { EndpointContext } from "../endpoint/context.ts";
import type { Http1ServerOptions } from "../http1/server.ts";
import type { Http2ServerOptions } from "../http2/options.ts";
import type { Log } from "../log.ts";
import type { ListenOptions } from "../socket.ts";
import type { Tracing } from "../trace/request-trace.ts";
import type { DirectionOptions } from "./direction.ts";
import type { OutboundRecorder } from "./recorder.ts";

/** What the outbound side is made of. */
export interface OutboundOptions {
  readonly listen: readonly SocketAddress[];
  readonly accept: ListenOptions;
  readonly detectTimeoutMs: number;
  /** How long a connection waits for the control plane to say what its target is; 10 s by default. */
  readonly discoveryTimeoutMs?: number;
  /** How long a target that nobody uses is remembered. */
  readonly idleMs: number;
  readonly discover: DiscoverOptions;
  readonly control: Control;
  readonly endpoints: EndpointContext;
  readonly httpQueue: QueueOptions;
  readonly tcpQueue: QueueOptions;
  readonly direction: DirectionOptions;
  readonly http1: Http1ServerOptions;
  readonly http2: Http2ServerOptions;
  readonly recorder: OutboundRecorder;
  readonly drain: Drain;
  readonly log: Log;
  /** Whether requests are counted by the host they ask for. */
  readonly hostnameLabels: boolean;
  /** Whether requests may name their target. */
  readonly ingress: boolean;
  /** Set when requests take part in traces. */
  readonly tracing?: Tracing | undefined;
}
