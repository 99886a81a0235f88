/** The latest value of each query about a changing state, shared by all who watch it. */
export interface Snapshots<Query, Value> {
  /** The value as of now. */
  readonly read: (query: Query) => Value;
  /**
   * The value now, then the newest one each time the reader asks after it changed: a slow reader skips what was in
   * between and nothing is queued for it. Ends without an error when the signal aborts or all watching is closed.
   */
  readonly watch: (query: Query, signal: AbortSignal) => AsyncIterable<Value>;
  /** Computes anew what depends on any of these keys and wakes those who wait for it. */
  readonly refresh: (keys: ReadonlySet<string>) => void;
  /** How many readers are watching. */
  readonly watchers: () => number;
  /** Ends all watching, now and later. */
  readonly close: () => void;
}

/** How values are computed and when they are worth sending. */
export interface SnapshotOptions<Query, Value> {
  /** Queries of the same name share one value. */
  readonly name: (query: Query) => string;
  /** Keys of the state that the value depends on. */
  readonly keys: (query: Query) => readonly string[];
  readonly compute: (query: Query) => Value;
  readonly equal: (a: Value, b: Value) => boolean;
}

interface View<Query, Value> {
  readonly query: Query;
  value: Value;
  version: number;
  /** Called once each when the version moves; removed when the reader leaves. */
  readonly readers: Set<Reader>;
}

interface Reader {
  wake: () => void;
}

/** Creates snapshots; a value is kept only while somebody watches it. */
export function createSnapshots<Query, Value>(
  { name, keys, compute, equal }: SnapshotOptions<Query, Value>,
): Snapshots<Query, Value> {
  const views = new Map<string, View<Query, Value>>();
  const byKey = new Map<string, Set<View<Query, Value>>>();
  const closing = new AbortController();

  function join(query: Query, reader: Reader): View<Query, Value> {
    const known = views.get(name(query));
    const view = known ??
      { query, value: compute(query), version: 1, readers: new Set() };
    view.readers.add(reader);
    if (known !== undefined) return known;
    views.set(name(query), view);
    for (const key of keys(query)) {
      const dependants = byKey.get(key) ?? new Set();
      byKey.set(key, dependants.add(view));
    }
    return view;
  }

  function leave(view: View<Query, Value>, reader: Reader): void {
    if (!view.readers.delete(reader) || view.readers.size > 0) return;
    views.delete(name(view.query));
    for (const key of keys(view.query)) {
      const dependants = byKey.get(key);
      dependants?.delete(view);
      if (dependants?.size === 0) byKey.delete(key);
    }
  }

  async function* watch(query: Query, caller: AbortSignal) {
    if (caller.aborted || closing.signal.aborted) return;
    const reader: Reader = { wake: () => {} };
    const view = join(query, reader);
    let ended = false;
    // Leaving at once, not when the reader next asks: an abandoned reader never asks again.
    const end = () => {
      ended = true;
      leave(view, reader);
      reader.wake();
    };
    caller.addEventListener("abort", end, { once: true });
    closing.signal.addEventListener("abort", end, { once: true });
    try {
      for (let seen = 0; !ended;) {
        if (view.version === seen) {
          await new Promise<void>((resolve) => reader.wake = resolve);
          continue;
        }
        seen = view.version;
        yield view.value;
      }
    } finally {
      caller.removeEventListener("abort", end);
      closing.signal.removeEventListener("abort", end);
      leave(view, reader);
    }
  }

  function refresh(changed: ReadonlySet<string>): void {
    const stale = new Set<View<Query, Value>>();
    for (const key of changed) {
      for (const view of byKey.get(key) ?? []) stale.add(view);
    }
    for (const view of stale) {
      const value = compute(view.query);
      if (equal(view.value, value)) continue;
      view.value = value;
      view.version++;
      for (const reader of view.readers) reader.wake();
    }
  }

  return {
    read: (query) => views.get(name(query))?.value ?? compute(query),
    watch,
    refresh,
    watchers: () => {
      let count = 0;
      for (const view of views.values()) count += view.readers.size;
      return count;
    },
    close: () => closing.abort(),
  };
}
