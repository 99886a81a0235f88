import type { SocketAddress } from "../../schemas/address.ts";
import {
  type Form,
  integer,
  ip,
  list,
  listenAddress,
  type PortRange,
  portRange,
  suffix,
} from "./forms.ts";
import { optional, refine, section, type Setting } from "./setting.ts";
import { type SideConfig, sideSettings } from "./side.ts";

/** What the inbound side is told, besides what both sides are. */
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

/** Linkerd's word for "yes, I know". */
const UNSAFE: Form<boolean> = {
  expected: "unsafe",
  parse: (text) => text === "unsafe" ? true : text === "false" ? false : null,
};

/** The variables of the inbound side. */
export const inbound: Setting<InboundConfig> = section<InboundConfig>({
  ...sideSettings("INBOUND", {
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
