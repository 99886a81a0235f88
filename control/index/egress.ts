import { contains, type Network, parseIp } from "../../schemas/address.ts";
import type { EgressNetwork } from "../../schemas/kube.ts";
import { readNetworks } from "./clients.ts";
import { idOf } from "./keys.ts";
import { compare, createdAtMs } from "./named.ts";
import type { Settings } from "./settings.ts";
import type { State } from "./state.ts";

/**
 * The EgressNetwork that an address is in, for clients of a namespace: of those of their own namespace if there are
 * any, else of the mesh's own; the smallest network first, then the oldest, then the first by name.
 */
export function egressNetworkOf(
  ip: string,
  clientNamespace: string | null,
  { outbound, settings }: Pick<State, "outbound" | "settings">,
): EgressNetwork | null {
  const bytes = parseIp(ip);
  if (bytes === null) return null;
  const own = outbound.egress.byNamespace.get(clientNamespace ?? "");
  const candidates = own.size > 0
    ? own
    : outbound.egress.byNamespace.get(settings.globalEgressNamespace);
  let best: { object: EgressNetwork; size: number } | null = null;
  for (const object of candidates) {
    const size = sizeAround(object, bytes, settings);
    if (size === null) continue;
    if (best !== null && isBefore(best, { object, size })) continue;
    best = { object, size };
  }
  return best?.object ?? null;
}

/** Whether an EgressNetwork means addresses outside of the cluster only. */
export function isAccepted(
  { spec }: EgressNetwork,
  { clusterNetworks }: Settings,
): boolean {
  const networks = readNetworks(spec.networks ?? []) ?? [];
  return networks.every(({ network, except }) =>
    clusterNetworks.every((cluster) =>
      !overlaps(network, cluster) ||
      except.some((out) => covers(out, cluster))
    )
  );
}

interface Match {
  readonly object: EgressNetwork;
  readonly size: number;
}

function isBefore(a: Match, b: Match): boolean {
  const order = a.size - b.size ||
    createdAtMs(a.object) - createdAtMs(b.object) ||
    compare(idOf(a.object.metadata), idOf(b.object.metadata));
  return order <= 0;
}

/** How many addresses the smallest of its networks around the address has; null when it is in none. */
function sizeAround(
  { spec }: EgressNetwork,
  bytes: Uint8Array,
  { clusterNetworks }: Settings,
): number | null {
  if (spec.networks === undefined) {
    const isInside = clusterNetworks.some((one) => contains(one, bytes));
    return isInside ? null : 2 ** (bytes.length * 8);
  }
  const sizes = (readNetworks(spec.networks) ?? [])
    .filter(({ network, except }) =>
      contains(network, bytes) && !except.some((one) => contains(one, bytes))
    )
    .map(({ network, except }) =>
      except.reduce((left, one) => left - sizeOf(one), sizeOf(network))
    );
  return sizes.length === 0 ? null : Math.min(...sizes);
}

function sizeOf({ base, prefixBits }: Network): number {
  return 2 ** (base.length * 8 - prefixBits);
}

function overlaps(a: Network, b: Network): boolean {
  return covers(a, b) || covers(b, a);
}

function covers(outer: Network, inner: Network): boolean {
  return outer.prefixBits <= inner.prefixBits && contains(outer, inner.base);
}
