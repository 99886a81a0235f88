import { formatAddress } from "../../schemas/address.ts";
import type { Endpoint, EndpointSet } from "../../schemas/destination.ts";
import type { EndpointUpdate } from "../wire/destination.ts";

/** Folds the updates of one destination, over any number of streams, into complete sets. */
export interface EndpointFold {
  /** A new stream begins: its first Add replaces what is known. */
  opened(): void;
  /** The set after an update; null when nothing is known to have changed. */
  apply(update: EndpointUpdate): EndpointSet | null;
}

/**
 * An endpoint that comes again unchanged stays the same object, so that a balancer keeps its connection and its load
 * estimate. A Remove before the first Add of a stream is about a set we do not have, and is ignored.
 */
export function createEndpointFold(): EndpointFold {
  let known: EndpointSet = new Map();
  let fresh = true;

  function add(endpoints: readonly Endpoint[]): EndpointSet {
    const next = new Map(fresh ? [] : known);
    for (const endpoint of endpoints) {
      const key = formatAddress(endpoint.address);
      const before = known.get(key);
      const same = before !== undefined && Bun.deepEquals(before, endpoint);
      next.set(key, same ? before : endpoint);
    }
    return next;
  }

  return {
    opened() {
      fresh = true;
    },
    apply(update) {
      switch (update.kind) {
        case "add":
          known = add(update.endpoints);
          fresh = false;
          return known;
        case "remove": {
          if (fresh) return null;
          const next = new Map(known);
          for (const address of update.addresses) {
            next.delete(formatAddress(address));
          }
          return known = next;
        }
        case "none":
          fresh = false;
          return known = new Map();
        case "unknown":
          return null;
      }
    },
  };
}
