import { expect, test } from "bun:test";
import { createSnapshots } from "./snapshot.ts";

/** Snapshots of numbers by name, and how often one was computed. */
function numbers(initial: Record<string, number>) {
  const state = new Map(Object.entries(initial));
  let computed = 0;
  const snapshots = createSnapshots<string, number>({
    name: (query) => query,
    keys: (query) => [query],
    compute: (query) => {
      computed++;
      return state.get(query) ?? 0;
    },
    equal: Object.is,
  });
  const set = (name: string, value: number): void => {
    state.set(name, value);
    snapshots.refresh(new Set([name]));
  };
  return { snapshots, set, computed: () => computed };
}

test("watch() gives the value now, then the newest when asked: what was in between is skipped", async () => {
  const { snapshots, set } = numbers({ a: 1 });
  const reader = snapshots.watch("a", new AbortController().signal)
    [Symbol.asyncIterator]();
  expect((await reader.next()).value).toBe(1);
  for (let value = 2; value <= 100; value++) set("a", value);
  expect((await reader.next()).value).toBe(100);
  const waiting = reader.next();
  set("b", 5);
  set("a", 100);
  set("a", 101);
  expect((await waiting).value).toBe(101);
  await reader.return?.();
});

test("watch() shares one computation between all who watch the same", async () => {
  const { snapshots, set, computed } = numbers({ a: 1 });
  const { signal } = new AbortController();
  const readers = Array.from(
    { length: 10 },
    () => snapshots.watch("a", signal)[Symbol.asyncIterator](),
  );
  await Promise.all(readers.map((reader) => reader.next()));
  set("a", 2);
  set("unwatched", 3);
  const values = await Promise.all(readers.map((reader) => reader.next()));
  expect(values.map(({ value }) => value)).toEqual(Array(10).fill(2));
  expect(computed()).toBe(2);
  await Promise.all(readers.map((reader) => reader.return?.()));
});

test("watch() ends with its signal, while waiting and while not asked, and is forgotten", async () => {
  const { snapshots } = numbers({ a: 1 });
  const hangUp = new AbortController();
  const waiting = snapshots.watch("a", hangUp.signal)[Symbol.asyncIterator]();
  const idle = snapshots.watch("a", hangUp.signal)[Symbol.asyncIterator]();
  await waiting.next();
  await idle.next();
  const end = waiting.next();
  expect(snapshots.watchers()).toBe(2);
  hangUp.abort();
  expect(snapshots.watchers()).toBe(0);
  expect((await end).done).toBe(true);
  expect((await idle.next()).done).toBe(true);
  const late = snapshots.watch("a", hangUp.signal)[Symbol.asyncIterator]();
  expect((await late.next()).done).toBe(true);
});

test("watch() is forgotten when its reader leaves", async () => {
  const { snapshots } = numbers({ a: 1 });
  for await (
    const value of snapshots.watch("a", new AbortController().signal)
  ) {
    expect(value).toBe(1);
    break;
  }
  expect(snapshots.watchers()).toBe(0);
});

test("close() ends every watch, now and later", async () => {
  const { snapshots } = numbers({ a: 1 });
  const { signal } = new AbortController();
  const reader = snapshots.watch("a", signal)[Symbol.asyncIterator]();
  await reader.next();
  const end = reader.next();
  snapshots.close();
  expect((await end).done).toBe(true);
  const late = snapshots.watch("a", signal)[Symbol.asyncIterator]();
  expect((await late.next()).done).toBe(true);
});

test("read() gives the value as of now, watched or not", async () => {
  const { snapshots, set } = numbers({ a: 1 });
  expect(snapshots.read("a")).toBe(1);
  const reader = snapshots.watch("a", new AbortController().signal)
    [Symbol.asyncIterator]();
  await reader.next();
  set("a", 2);
  expect(snapshots.read("a")).toBe(2);
  await reader.return?.();
});
