import type { Network } from "../../schemas/address.ts";
import { parseNetwork } from "../../schemas/address.ts";
import type { Http2Params } from "../../schemas/destination.ts";
import {
  DEFAULT_CLUSTER_NETWORKS,
  DEFAULT_OPAQUE_PORTS,
} from "../../schemas/names.ts";
import { EVERYWHERE, type InboundMode } from "./modes.ts";
import { parsePortRanges, type PortRange } from "./ports.ts";

/** What the operator decides for the whole mesh; named after Linkerd's values. */
export interface Settings {
  /** Namespace of the control plane; workloads labelled with another one belong to another mesh. */
  readonly controlNamespace: string;
  readonly trustDomain: string;
  readonly clusterDomain: string;
  /** Where Services and Pods live; addresses outside are egress. */
  readonly clusterNetworks: readonly Network[];
  readonly defaultOpaquePorts: readonly PortRange[];
  readonly defaultInboundPolicy: InboundMode;
  /** Where the kubelet's probes come from. */
  readonly probeNetworks: readonly Network[];
  /** Endpoints are offered by IPv6 too; a dual-family pod then only by its IPv6 address. */
  readonly ipv6: boolean;
  /** Whose EgressNetworks hold for clients of namespaces that have none. */
  readonly globalEgressNamespace: string;
  /** Whether requests may say in `l5d-*` fields how they are retried and timed out. */
  readonly allowsRequestFields: boolean;
  /** HTTP/2 client settings of connections between proxies. */
  readonly meshedHttp2: Http2Params;
}

/** Settings of a default install (Linkerd chart 2.x), with some replaced. */
export function createSettings(given: Partial<Settings> = {}): Settings {
  return {
    controlNamespace: "linkerd",
    trustDomain: "cluster.local",
    clusterDomain: "cluster.local",
    clusterNetworks: DEFAULT_CLUSTER_NETWORKS.split(",").map(parseNetwork),
    defaultOpaquePorts: parsePortRanges(DEFAULT_OPAQUE_PORTS),
    defaultInboundPolicy: "all-unauthenticated",
    probeNetworks: EVERYWHERE,
    ipv6: false,
    globalEgressNamespace: "linkerd-egress",
    allowsRequestFields: false,
    meshedHttp2: { keepAliveIntervalMs: 10_000, keepAliveTimeoutMs: 3_000 },
    ...given,
  };
}
