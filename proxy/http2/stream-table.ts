import type { Stream } from "./stream.ts";

/** Room for 64 streams, 1 kB: more than most connections ever have at once. */
const MIN_SLOTS = 128;

/**
 * The open streams of a connection by id: open addressing with linear probing.
 *
 * Not a `Map`, because JavaScriptCore's keeps what was deleted: each rehash links the old table to the new one, so that
 * streams that came and went outlive every collection of the young generation (measured: half of all garbage did, and
 * every third collection had to be a full one).
 */
export class StreamTable {
  size = 0;
  private slots: (Stream | null)[] = [];

  get(id: number): Stream | undefined {
    const { slots } = this;
    const mask = slots.length - 1;
    for (let at = homeOf(id) & mask;; at = (at + 1) & mask) {
      const stream = slots[at] ?? undefined;
      if (stream === undefined || stream.id === id) return stream;
    }
  }

  /** The id must be a new one. */
  add(stream: Stream): void {
    // At most half full, so that a search is short and always ends.
    if (++this.size * 2 > this.slots.length) {
      this.resize(Math.max(MIN_SLOTS, this.slots.length * 2));
    }
    place(this.slots, stream);
  }

  /** False when there is no stream of this id. */
  delete(id: number): boolean {
    const { slots } = this;
    const mask = slots.length - 1;
    let hole = homeOf(id) & mask;
    for (; slots[hole]?.id !== id; hole = (hole + 1) & mask) {
      if ((slots[hole] ?? null) === null) return false;
    }
    // What follows moves up, unless that would take it past its home.
    for (let at = (hole + 1) & mask;; at = (at + 1) & mask) {
      const stream = slots[at] ?? null;
      if (stream === null) break;
      if (((at - homeOf(stream.id)) & mask) < ((at - hole) & mask)) continue;
      slots[hole] = stream;
      hole = at;
    }
    slots[hole] = null;
    this.size--;
    // What a burst has made it grow to is given back; never while there are streams, or each turn's would make it swing.
    if (this.size === 0 && slots.length > MIN_SLOTS) this.slots = [];
    return true;
  }

  /** All streams as they are now, by id: the table may change meanwhile. */
  all(): Stream[] {
    return this.slots.filter((stream) => stream !== null)
      .sort((a, b) => a.id - b.id);
  }

  private resize(length: number): void {
    const slots = new Array<Stream | null>(length).fill(null);
    for (const stream of this.slots) {
      if (stream !== null) place(slots, stream);
    }
    this.slots = slots;
  }
}

/** One side's ids are all even or all odd, and ascend. */
function homeOf(id: number): number {
  return id >> 1;
}

function place(slots: (Stream | null)[], stream: Stream): void {
  const mask = slots.length - 1;
  let at = homeOf(stream.id) & mask;
  while ((slots[at] ?? null) !== null) at = (at + 1) & mask;
  slots[at] = stream;
}
