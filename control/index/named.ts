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
export function oldestFirst<T extends Dated>(objects: Iterable<T>): T[] {
  // Reading a date takes longer than all else here: once each, not once per comparison.
  return [...objects]
    .map((object) => ({ object, atMs: createdAtMs(object) }))
    .sort((a, b) =>
      a.atMs - b.atMs || compare(a.object.metadata.name, b.object.metadata.name)
    )
    .map(({ object }) => object);
}

/** The order of texts by their code units, the same on every machine. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export interface Dated {
  readonly metadata: {
    readonly name: string;
    readonly creationTimestamp?: string;
  };
}

/** When an object was made; after all others if it does not say. */
export function createdAtMs({ metadata }: Dated): number {
  const { creationTimestamp } = metadata;
  if (creationTimestamp === undefined) return Number.MAX_SAFE_INTEGER;
  const at = Date.parse(creationTimestamp);
  return Number.isNaN(at) ? Number.MAX_SAFE_INTEGER : at;
}
