import type { SocketAddress } from "./address.ts";
import type { ProfileRouting } from "./profile.ts";

/** How a peer proves who it is: the name its certificate must carry and the SNI to ask for. */
export interface TlsIdentity {
  /** DNS name or URI that must be among the certificate's subject alternative names. */
  readonly id: string;
  readonly kind: "dns" | "uri";
  readonly serverName: string;
}

/** HTTP/2 client settings an endpoint asks for; absent fields mean the proxy's own defaults. */
export interface Http2Params {
  readonly initialStreamWindow?: number;
  readonly initialConnectionWindow?: number;
  readonly keepAliveIntervalMs?: number;
  readonly keepAliveTimeoutMs?: number;
  readonly keepAliveWhileIdle?: boolean;
}

/** One address that serves a destination, with all that is needed to reach it. */
export interface Endpoint {
  /** Where the application listens. */
  readonly address: SocketAddress;
  /** Relative share, 10000 being one; kept for the wire, not used by the balancer (as in Linkerd). */
  readonly weight: number;
  /** Metric labels without their `dst_` prefix. */
  readonly labels: Readonly<Record<string, string>>;
  /** Null: the endpoint is not meshed and is reached in plaintext. */
  readonly identity: TlsIdentity | null;
  /** `h2`: its proxy takes HTTP/1 upgraded to HTTP/2; `opaque`: it forwards without parsing. */
  readonly protocolHint: "none" | "h2" | "opaque";
  /** The proxy port to dial with a transport header instead of the application's; null: dial the application's. */
  readonly inboundPort: number | null;
  /** Authority that replaces the request's (gateways). */
  readonly authorityOverride: string | null;
  readonly http2: Http2Params | null;
}

/** All live endpoints of a destination, keyed by `ip:port`; a complete, immutable value. */
export type EndpointSet = ReadonlyMap<string, Endpoint>;

/** What the profile of an address says. */
export interface Profile {
  readonly fullyQualifiedName: string;
  readonly opaque: boolean;
  /** Set when the address is a single endpoint rather than a service. */
  readonly endpoint: Endpoint | null;
  /** Null when no ServiceProfile has routes or targets. */
  readonly routing: ProfileRouting | null;
}
