import type { ObjectName } from "../views.ts";
import { idOf } from "./keys.ts";
import { createMultimap, type Multimap } from "./multimap.ts";

/** Objects of one kind by name and by namespace. */
export interface Named<T> {
  readonly byId: ReadonlyMap<string, T>;
  readonly byNamespace: Pick<Multimap<T>, "get">;
  /** Replaces an object, or removes it when it is gone; gives what was known of it before. */
  readonly put: (now: T, gone: boolean) => T | undefined;
}

/** Creates an empty index; `nameOf` tells objects apart, by namespace and name if it is not given. */
export function createNamed<T extends { readonly metadata: ObjectName }>(
  nameOf: (object: T) => string = ({ metadata }) => idOf(metadata),
): Named<T> {
  const byId = new Map<string, T>();
  const byNamespace = createMultimap<T>();
  return {
    byId,
    byNamespace,
    put: (now, gone) => {
      const id = nameOf(now);
      const old = byId.get(id);
      if (old !== undefined) {
        byId.delete(id);
        byNamespace.remove(old.metadata.namespace, old);
      }
      if (!gone) {
        byId.set(id, now);
        byNamespace.add(now.metadata.namespace, now);
      }
      return old;
    },
  };
}

/** The oldest first, then the first by name; an object that does not say when it was made counts as the youngest. */
export function olderFirst(a: Dated, b: Dated): number {
  return createdAtMs(a) - createdAtMs(b) ||
    (a.metadata.name < b.metadata.name ? -1 : 1);
}

interface Dated {
  readonly metadata: {
    readonly name: string;
    readonly creationTimestamp?: string;
  };
}

function createdAtMs({ metadata }: Dated): number {
  const at = Date.parse(metadata.creationTimestamp ?? "");
  return Number.isNaN(at) ? Number.MAX_SAFE_INTEGER : at;
}
