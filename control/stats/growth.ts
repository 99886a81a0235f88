const EMPTY = new Uint8Array(0);
const FIRST_BYTES = 32;

/** The longest pair: a number below 2^53 takes eight bytes. */
const PAIR_MAX = 16;

/**
 * A counter and by how much it grew, scrape by scrape: only where it did, as pairs of LEB128 numbers (slots since the pair
 * before, increment). A counter that grows with every scrape takes about three bytes for each, one that stands still none,
 * so that an hour of a pod takes 150 kB (bench/micro/stats.ts; decision 0160).
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
    this.#append(slot - this.#end);
    this.#append(Math.floor(increment));
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
    for (let at = 0; at < this.#length;) {
      const gap = this.#read(at);
      at += sizeOf(gap);
      const increment = this.#read(at);
      at += sizeOf(increment);
      slot += gap;
      if (slot > after) call(slot, increment);
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

  /** Room for a pair: where old ones were, or in a quarter more bytes. */
  #makeRoom(slot: number, oldest: number): void {
    if (this.#length === 0) this.#start = this.#end = slot;
    if (this.#length + PAIR_MAX <= this.#bytes.length) return;
    this.#forget(oldest);
    // A tenth free, so that room is not made with every scrape.
    if (this.#length + PAIR_MAX <= this.#bytes.length * 0.9) return;
    const more = new Uint8Array(
      Math.max(FIRST_BYTES, Math.ceil(this.#bytes.length * 1.25)),
    );
    more.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = more;
  }

  /** Removes pairs before `oldest`. */
  #forget(oldest: number): void {
    let at = 0;
    while (at < this.#length) {
      const gap = this.#read(at);
      if (this.#start + gap >= oldest) break;
      at += sizeOf(gap);
      at += sizeOf(this.#read(at));
      this.#start += gap;
    }
    this.#bytes.copyWithin(0, at, this.#length);
    this.#length -= at;
  }

  #append(value: number): void {
    let rest = value;
    while (rest >= 128) {
      this.#bytes[this.#length++] = (rest % 128) + 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#length++] = rest;
  }

  #read(at: number): number {
    let value = 0;
    for (let scale = 1;; scale *= 128) {
      const byte = this.#bytes[at++] ?? 0;
      value += (byte % 128) * scale;
      if (byte < 128) return value;
    }
  }
}

/** How many bytes a number takes. */
function sizeOf(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size++;
  return size;
}
