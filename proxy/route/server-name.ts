import type { HostMatch } from "../../schemas/route.ts";

/**
 * The route of a TLS server name (facts 4.13): one that names it, or the longest end of it, or none at all; of equally
 * good ones the first. Null when no route takes it.
 */
export function findByServerName<
  R extends { readonly snis: readonly HostMatch[] },
>(routes: readonly R[], serverName: string): R | null {
  const name = serverName.toLowerCase().replace(/\.$/, "");
  let best: R | null = null;
  let bestRank = -1;
  for (const route of routes) {
    const rank = route.snis.length === 0
      ? 0
      : Math.max(...route.snis.map((match) => rankOf(match, name)));
    if (rank <= bestRank) continue;
    best = route;
    bestRank = rank;
  }
  return best;
}

/** How much of a name is matched; an exact match counts beyond any end, and -1 is none. */
function rankOf(match: HostMatch, name: string): number {
  if (match.kind === "exact") {
    return match.host.toLowerCase() === name ? Infinity : -1;
  }
  const suffix = match.suffix.toLowerCase();
  return name.length > suffix.length && name.endsWith(suffix)
    ? suffix.length
    : -1;
}
