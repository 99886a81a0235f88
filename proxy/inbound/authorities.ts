import type { RequestHead } from "../http/message.ts";

/** The names that clients ask for, as metrics tell them apart. */
export interface Authorities {
  /** The name that a request is counted under; null: under none. */
  of(head: RequestHead): string | null;
}

/** Names told apart, over all ports and for as long as the proxy runs: every client can make up new ones. */
const MAX_NAMES = 100;

/**
 * Counts requests by the name they ask for (`LINKERD2_PROXY_INBOUND_METRICS_AUTHORITY_LABELS=unsafe`). The first names
 * have series of their own; requests for others, or for none, are counted without a name.
 */
export function createAuthorities(maxNames = MAX_NAMES): Authorities {
  const known = new Set<string>();
  return {
    of({ authority, host }) {
      const name = (authority ?? host)?.text.toLowerCase();
      if (name === undefined) return null;
      if (known.has(name)) return name;
      if (known.size >= maxNames) return null;
      known.add(name);
      return name;
    },
  };
}
