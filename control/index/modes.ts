import { type Network, parseNetwork } from "../../schemas/address.ts";
import type { Authorization, ServerMeta } from "../../schemas/policy.ts";

/** The default inbound policies, as users write them in annotations and Servers. */
export const INBOUND_MODES = [
  "all-unauthenticated",
  "all-authenticated",
  "cluster-unauthenticated",
  "cluster-authenticated",
  "deny",
  "audit",
] as const;

export type InboundMode = typeof INBOUND_MODES[number];

/** The mode of a user's text; null when it names none. */
export function parseInboundMode(text: string): InboundMode | null {
  return INBOUND_MODES.find((mode) => mode === text) ?? null;
}

/** Every address of either family. */
export const EVERYWHERE: readonly Network[] = ["0.0.0.0/0", "::/0"].map(
  parseNetwork,
);

/**
 * Who may call under a mode. `requireIdentity` is the effect of
 * `config.linkerd.io/proxy-require-identity-inbound-ports`: modes that allow then ask for mutual TLS.
 */
export function authorizationsOf(
  mode: InboundMode,
  clusterNetworks: readonly Network[],
  requireIdentity: boolean,
): Authorization[] {
  if (mode === "deny") return [];
  const networks = mode.startsWith("cluster-") ? clusterNetworks : EVERYWHERE;
  const authenticated = mode.endsWith("-authenticated") || requireIdentity;
  return [{
    networks: networks.map((network) => ({ network, except: [] })),
    authentication: authenticated
      // An empty suffix means any identity of the mesh (schemas/policy.ts).
      ? { kind: "identities", identities: new Set(), suffixes: [""] }
      : { kind: "unauthenticated" },
    meta: modeMeta(mode),
  }];
}

/** Metric labels of a default policy or of the authorization it gives. */
export function modeMeta(mode: InboundMode): ServerMeta {
  return { group: "", kind: "default", name: mode };
}
