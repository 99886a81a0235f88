import type { ObjectName } from "../views.ts";
import { createMultimap, type Multimap } from "./multimap.ts";
import { createNamed, type Named } from "./named.ts";

/** Objects of one kind by name, by namespace and by address. */
export interface Addressed<T> extends Named<T> {
  /** The objects that have the address, in canonical text. */
  readonly byIp: Pick<Multimap<T>, "get">;
}

/** Creates an empty index; `ipsOf` tells an object's addresses. */
export function createAddressed<T extends { readonly metadata: ObjectName }>(
  ipsOf: (object: T) => readonly string[],
): Addressed<T> {
  const named = createNamed<T>();
  const byIp = createMultimap<T>();
  return {
    ...named,
    byIp,
    put: (now, gone) => {
      const old = named.put(now, gone);
      if (old !== undefined) {
        for (const ip of ipsOf(old)) byIp.remove(ip, old);
      }
      if (!gone) {
        for (const ip of ipsOf(now)) byIp.add(ip, now);
      }
      return old;
    },
  };
}
