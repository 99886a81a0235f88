import type { SocketAddress } from "../../schemas/address.ts";
import { flag, list, listenAddress } from "./forms.ts";
import {
  optional,
  refine,
  section,
  type Setting,
  variable,
} from "./setting.ts";
import {
  queue,
  type QueueConfig,
  type SideConfig,
  sideSettings,
} from "./side.ts";

/** What the outbound side is told, besides what both sides are. */
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

/** The variables of the outbound side. */
export const outbound: Setting<OutboundConfig> = section<OutboundConfig>({
  ...sideSettings("OUTBOUND", {
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
