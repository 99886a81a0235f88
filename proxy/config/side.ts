import type { SocketAddress } from "../../schemas/address.ts";
import {
  count,
  duration,
  flag,
  type Form,
  integer,
  ip,
  list,
  listenAddress,
  type PortRange,
  portRange,
  ratio,
  suffix,
} from "./forms.ts";
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

export interface InboundConfig extends SideConfig {
  readonly listen: SocketAddress;
  /** Ports whose policy is watched from the start. */
  readonly ports: readonly number[];
  /** Ports whose default policy is opaque. */
  readonly opaquePorts: readonly PortRange[];
  /** The pod's own addresses in canonical text; empty: any address is taken for our own. */
  readonly ips: ReadonlySet<string>;
  /** What other clusters may ask for by name ends so; empty: nothing may. In lower case, without the final dot. */
  readonly gatewaySuffixes: readonly string[];
  /** Whether requests are counted by the name they ask for, which any client chooses. */
  readonly authorityLabels: boolean;
}

export interface OutboundConfig extends SideConfig {
  /** One or two, not both of the same family. */
  readonly listen: readonly SocketAddress[];
  readonly tcpQueue: QueueConfig;
  /** Whether applications are sent `l5d-proxy-*` headers. */
  readonly informationalHeaders: boolean;
  /** Whether requests are counted by the host that they ask for. */
  readonly hostnameLabels: boolean;
  /** Whether requests may name their target in `l5d-dst-override`. */
  readonly ingress: boolean;
}

/** Undefined: not set on the socket. */
export interface SocketConfig {
  readonly keepAliveMs: number | undefined;
  readonly userTimeoutMs: number | undefined;
}

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

interface Defaults {
  readonly connectTimeoutMs: number;
  readonly failfastMs: number;
  readonly discoveryIdleTimeoutMs: number;
  readonly backoffMaxMs: number;
  /** The one variable of the two sides whose name does not follow the rule. */
  readonly maxIdleName: string;
}

const common = (
  side: "INBOUND" | "OUTBOUND",
  defaults: Defaults,
): Table<SideConfig> => ({
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
});

/** Linkerd's word for "yes, I know". */
const UNSAFE: Form<boolean> = {
  expected: "unsafe",
  parse: (text) => text === "unsafe" ? true : text === "false" ? false : null,
};

export const inbound: Setting<InboundConfig> = section<InboundConfig>({
  ...common("INBOUND", {
    connectTimeoutMs: 300,
    failfastMs: 1_000,
    discoveryIdleTimeoutMs: 90_000,
    backoffMaxMs: 10_000,
    maxIdleName: "MAX_IDLE_CONNS_PER_ENDPOINT",
  }),
  listen: optional("INBOUND_LISTEN_ADDR", listenAddress, {
    ip: "0.0.0.0",
    port: 4143,
  }),
  ports: optional("INBOUND_PORTS", list(integer(1, 65_535)), []),
  opaquePorts: optional(
    "INBOUND_PORTS_DISABLE_PROTOCOL_DETECTION",
    list(portRange),
    [],
  ),
  ips: refine(
    optional("INBOUND_IPS", list(ip), []),
    (ips): ReadonlySet<string> => new Set(ips),
  ),
  gatewaySuffixes: optional("INBOUND_GATEWAY_SUFFIXES", list(suffix), []),
  authorityLabels: optional("INBOUND_METRICS_AUTHORITY_LABELS", UNSAFE, false),
});

export const outbound: Setting<OutboundConfig> = section<OutboundConfig>({
  ...common("OUTBOUND", {
    connectTimeoutMs: 1_000,
    failfastMs: 3_000,
    discoveryIdleTimeoutMs: 5_000,
    backoffMaxMs: 60_000,
    maxIdleName: "OUTBOUND_MAX_IDLE_CONNS_PER_ENDPOINT",
  }),
  listen: outboundListeners(),
  tcpQueue: queue("OUTBOUND_TCP", 3_000),
  informationalHeaders: refine(
    optional("OUTBOUND_DISABLE_INFORMATIONAL_HEADERS", flag, false),
    (disabled) => !disabled,
  ),
  hostnameLabels: optional("OUTBOUND_METRICS_HOSTNAME_LABELS", flag, false),
  ingress: optional("INGRESS_MODE", flag, false),
});

/** Whether a list of ranges holds a port. */
export function hasPort(ranges: readonly PortRange[], port: number): boolean {
  return ranges.some(({ first, last }) => first <= port && port <= last);
}

function socket(prefix: string): Setting<SocketConfig> {
  return section<SocketConfig>({
    keepAliveMs: optional(`${prefix}_KEEPALIVE`, duration, undefined),
    userTimeoutMs: optional(`${prefix}_USER_TIMEOUT`, duration, undefined),
  });
}

function queue(prefix: string, failfastMs: number): Setting<QueueConfig> {
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

/** The list wins over the older single address. */
function outboundListeners(): Setting<readonly SocketAddress[]> {
  const one = optional("OUTBOUND_LISTEN_ADDR", listenAddress, {
    ip: "127.0.0.1",
    port: 4140,
  });
  const some = optional("OUTBOUND_LISTEN_ADDRS", list(listenAddress), null);
  return (source) => {
    const single = one(source);
    const listed = some(source) ?? [single];
    const families = new Set(listed.map(({ ip }) => ip.includes(":")));
    if (families.size !== listed.length) {
      source.mistakes.push(
        `${
          variable("OUTBOUND_LISTEN_ADDRS")
        } has ${listed.length} addresses, expected at most one IPv4 and one IPv6 address`,
      );
    }
    return listed;
  };
}
