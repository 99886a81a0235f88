const EMPTY = new Uint8Array(0);
const FIRST_BYTES = 32;

/** Where the next number is read; one for all, as there are hundreds of counters for each pod. */
let cursor = 0;

/** The longest entry: a number below 2^53 takes eight bytes. */
const ENTRY_MAX = 16;

/** What a counter may grow by between two scrapes; only a broken page says more. */
const INCREMENT_MAX = 2 ** 52 - 1;

/**
 * A counter and by how much it grew, scrape by scrape: only where it did, as LEB128 numbers. Twice the increment, plus one
 * when it was not the very next slot; then the number of slots follows. A counter that grows with every scrape takes about
 * two bytes for each, one that stands still none (bench/micro/stats.ts; decision 0160).
 */
export class Growth {
  /** What the counter said last. */
  last: number;
  #bytes = EMPTY;
  #length = 0;
  /** The slot that the first gap counts from, and that of the last pair. */
  #start = 0;
  #end = 0;

  constructor(last: number) {
    this.last = last;
  }

  /** Takes what the counter says in a slot, later than those before; one that has gone down has begun again. */
  add(slot: number, value: number, oldest: number): void {
    const increment = value < this.last ? value : value - this.last;
    this.last = value;
    if (increment < 1) return;
    this.#makeRoom(slot, oldest);
    const gap = slot - this.#end;
    const twice = 2 * Math.min(Math.floor(increment), INCREMENT_MAX);
    this.#append(gap === 1 ? twice : twice + 1);
    if (gap !== 1) this.#append(gap);
    this.#end = slot;
  }

  /** The sum over slots above `after`. */
  since(after: number): number {
    let sum = 0;
    if (this.#end > after) this.each(after, (_, by) => sum += by);
    return sum;
  }

  /** Calls with each increment above `after`, in order. */
  each(after: number, call: (slot: number, increment: number) => void): void {
    let slot = this.#start;
    cursor = 0;
    while (cursor < this.#length) {
      const entry = this.#read();
      slot += entry % 2 === 0 ? 1 : this.#read();
      if (slot > after) call(slot, Math.floor(entry / 2));
    }
  }

  /** Whether it grew in a slot above `after`; forgets everything if not. */
  hasGrown(after: number): boolean {
    if (this.#length > 0 && this.#end <= after) {
      this.#bytes = EMPTY;
      this.#length = 0;
    }
    return this.#length > 0;
  }

  /** Room for an entry: where old ones were, or in an eighth more bytes. */
  #makeRoom(slot: number, oldest: number): void {
    if (this.#length === 0) this.#start = this.#end = slot;
    if (this.#length + ENTRY_MAX <= this.#bytes.length) return;
    this.#forget(oldest);
    // A twentieth free, so that room is not made with every scrape.
    if (this.#length + ENTRY_MAX <= this.#bytes.length * 0.95) return;
    const more = new Uint8Array(
      Math.max(FIRST_BYTES, Math.ceil(this.#bytes.length * 1.125)),
    );
    more.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = more;
  }

  /** Removes entries before `oldest`. */
  #forget(oldest: number): void {
    let kept = 0;
    cursor = 0;
    while (cursor < this.#length) {
      const gap = this.#read() % 2 === 0 ? 1 : this.#read();
      if (this.#start + gap >= oldest) break;
      this.#start += gap;
      kept = cursor;
    }
    this.#bytes.copyWithin(0, kept, this.#length);
    this.#length -= kept;
  }

  #append(value: number): void {
    let rest = value;
    while (rest >= 128) {
      this.#bytes[this.#length++] = (rest % 128) + 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#length++] = rest;
  }

  /** The number at the cursor, which moves behind it. */
  #read(): number {
    let value = 0;
    for (let scale = 1;; scale *= 128) {
      const byte = this.#bytes[cursor++] ?? 0;
      value += (byte % 128) * scale;
      if (byte < 128) return value;
    }
  }
}
