import { expect, test } from "bun:test";
import type { Stream } from "./stream.ts";
import { StreamTable } from "./stream-table.ts";
import { seeded } from "./testing/random.ts";

/** All a table looks at. */
function streamOf(id: number): Stream {
  return { id } as Stream;
}

test("StreamTable holds what a Map would, whatever comes and goes", () => {
  const random = seeded(7);
  const table = new StreamTable();
  const model = new Map<number, Stream>();
  let next = 1;
  for (let step = 0; step < 20_000; step++) {
    // Grows to a few hundred and shrinks again, with some streams that stay very long.
    const growing = step % 4_000 < 2_000;
    if (random() < (growing ? 0.6 : 0.4)) {
      const stream = streamOf(next);
      next += random() < 0.1 ? 2_000 : 2;
      table.add(stream);
      model.set(stream.id, stream);
    } else {
      const ids = [...model.keys()];
      const id = ids[Math.floor(random() ** 3 * ids.length)] ?? 0;
      expect(table.delete(id)).toBe(model.delete(id));
    }
    expect(table.size).toBe(model.size);
    const probe = Math.floor(random() * next);
    expect(table.get(probe)).toBe(model.get(probe));
  }
  expect(table.all()).toEqual([...model.values()]);
  for (const [id, stream] of model) expect(table.get(id)).toBe(stream);
});

test("StreamTable finds and deletes nothing while it is empty", () => {
  const table = new StreamTable();
  expect(table.get(1)).toBeUndefined();
  expect(table.delete(1)).toBe(false);
  expect(table.all()).toEqual([]);
});
