import type { RequestHead } from "../http/message.ts";
import type { Names } from "../record/names.ts";

/** The names that clients ask for, as metrics tell them apart. */
export interface Authorities {
  /** The name that a request is counted under; null: under none. */
  of(head: RequestHead): string | null;
}

/**
 * Counts requests by the name they ask for (`LINKERD2_PROXY_INBOUND_METRICS_AUTHORITY_LABELS=unsafe`). `names` are
 * told apart over all ports; requests for none are counted without a name.
 */
export function createAuthorities(names: Names): Authorities {
  return {
    of({ authority, host }) {
      const name = (authority ?? host)?.text.toLowerCase();
      return name === undefined ? null : names(name);
    },
  };
}
