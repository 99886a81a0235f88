import { count, duration, integer, ratio } from "./forms.ts";
import { type ServerHttp2, serverHttp2 } from "./http2.ts";
import {
  optional,
  refine,
  section,
  type Setting,
  type Table,
  variable,
} from "./setting.ts";

/** What the inbound and the outbound side have in common. */
export interface SideConfig {
  /** How long a client may be silent before its protocol is guessed. */
  readonly detectTimeoutMs: number;
  /** From the first SYN until TLS is established and the transport header is written. */
  readonly connectTimeoutMs: number;
  readonly accept: SocketConfig;
  readonly connect: SocketConfig;
  /** Undefined: the platform's. */
  readonly listenBacklog: number | undefined;
  readonly maxIdleConnectionsPerEndpoint: number;
  readonly http1PoolIdleTimeoutMs: number;
  /** Requests between head received and response head sent; more are shed. */
  readonly maxInFlight: number;
  readonly httpQueue: QueueConfig;
  /** How long a discovered target is kept when nothing uses it. */
  readonly discoveryIdleTimeoutMs: number;
  readonly backoff: BackoffConfig;
  readonly serverHttp2: ServerHttp2;
}

/** Undefined: not set on the socket. */
export interface SocketConfig {
  readonly keepAliveMs: number | undefined;
  readonly userTimeoutMs: number | undefined;
}

/** How many requests or connections wait for an endpoint, and for how long while none is ready. */
export interface QueueConfig {
  readonly capacity: number;
  readonly failfastMs: number;
}

/** Delays between attempts: doubling from `minMs` to `maxMs`, plus up to `jitter` of themselves. */
export interface BackoffConfig {
  readonly minMs: number;
  readonly maxMs: number;
  readonly jitter: number;
}

/** Where the two sides differ. */
export interface SideDefaults {
  readonly connectTimeoutMs: number;
  readonly failfastMs: number;
  readonly discoveryIdleTimeoutMs: number;
  readonly backoffMaxMs: number;
  /** The one variable of the two sides whose name does not follow the rule. */
  readonly maxIdleName: string;
}

/** The settings of one side: `LINKERD2_PROXY_<side>_*`. */
export function sideSettings(
  side: "INBOUND" | "OUTBOUND",
  defaults: SideDefaults,
): Table<SideConfig> {
  return {
    detectTimeoutMs: optional(`${side}_DETECT_TIMEOUT`, duration, 10_000),
    connectTimeoutMs: optional(
      `${side}_CONNECT_TIMEOUT`,
      duration,
      defaults.connectTimeoutMs,
    ),
    accept: socket(`${side}_ACCEPT`),
    connect: socket(`${side}_CONNECT`),
    listenBacklog: optional(`${side}_TCP_LISTEN_BACKLOG`, count, undefined),
    maxIdleConnectionsPerEndpoint: optional(
      defaults.maxIdleName,
      integer(0, 1_000_000),
      10_000,
    ),
    http1PoolIdleTimeoutMs: optional(
      `${side}_HTTP1_CONNECTION_POOL_IDLE_TIMEOUT`,
      duration,
      3_000,
    ),
    maxInFlight: optional(`${side}_MAX_IN_FLIGHT`, count, 100_000),
    httpQueue: queue(`${side}_HTTP`, defaults.failfastMs),
    discoveryIdleTimeoutMs: optional(
      `${side}_DISCOVERY_IDLE_TIMEOUT`,
      duration,
      defaults.discoveryIdleTimeoutMs,
    ),
    backoff: backoff(`${side}_CONNECT_EXP_BACKOFF`, defaults.backoffMaxMs),
    serverHttp2: serverHttp2(side),
  };
}

function socket(prefix: string): Setting<SocketConfig> {
  return section<SocketConfig>({
    keepAliveMs: optional(`${prefix}_KEEPALIVE`, duration, undefined),
    userTimeoutMs: optional(`${prefix}_USER_TIMEOUT`, duration, undefined),
  });
}

/** `<prefix>_QUEUE_CAPACITY` and `<prefix>_FAILFAST_TIMEOUT`. */
export function queue(
  prefix: string,
  failfastMs: number,
): Setting<QueueConfig> {
  return section<QueueConfig>({
    capacity: optional(`${prefix}_QUEUE_CAPACITY`, count, 10_000),
    failfastMs: optional(`${prefix}_FAILFAST_TIMEOUT`, duration, failfastMs),
  });
}

function backoff(prefix: string, maxMs: number): Setting<BackoffConfig> {
  const settings = section<BackoffConfig>({
    minMs: optional(`${prefix}_MIN`, duration, 100),
    maxMs: optional(`${prefix}_MAX`, duration, maxMs),
    jitter: optional(`${prefix}_JITTER`, ratio(100), 0.1),
  });
  return refine(settings, (value, source) => {
    if (value.minMs < 1 || value.minMs > value.maxMs) {
      source.mistakes.push(
        `${
          variable(prefix)
        }_MIN is ${value.minMs}ms, expected more than 0 and at most ${
          variable(prefix)
        }_MAX (${value.maxMs}ms)`,
      );
    }
    return value;
  });
}
