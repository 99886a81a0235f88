/** Several values under a key, in the order they came; a key without values is not kept. */
export interface Multimap<Value> {
  readonly get: (key: string) => ReadonlySet<Value>;
  readonly add: (key: string, value: Value) => void;
  readonly remove: (key: string, value: Value) => void;
}

const NONE: ReadonlySet<never> = new Set();

/** Creates an empty multimap. */
export function createMultimap<Value>(): Multimap<Value> {
  const sets = new Map<string, Set<Value>>();
  return {
    get: (key) => sets.get(key) ?? NONE,
    add: (key, value) => {
      const set = sets.get(key);
      if (set === undefined) sets.set(key, new Set([value]));
      else set.add(value);
    },
    remove: (key, value) => {
      const set = sets.get(key);
      if (set?.delete(value) && set.size === 0) sets.delete(key);
    },
  };
}
