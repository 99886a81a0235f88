/** Bytes of a block when it is new, and when it is full; growing, as most counters stand still most of the time. */
const BLOCK_MIN = 16;
const BLOCK_MAX = 128;

interface Block {
  bytes: Uint8Array;
  length: number;
  /** The slot that the first gap counts from. */
  readonly after: number;
  last: number;
}

/**
 * By how much a counter grew, scrape by scrape: only where it did, as pairs of LEB128 numbers (slots since the pair
 * before, increment). A counter that grows with every scrape takes about three bytes for each, one that stands still none:
 * the last hour of a pod fits into 100 kB (decision 0160).
 */
export class Increments {
  #blocks: Block[] = [];

  /** Slots must not go back; an increment is a whole number above zero. */
  add(slot: number, increment: number): void {
    const block = this.#room(slot);
    append(block, slot - block.last);
    append(block, increment);
    block.last = slot;
  }

  /** The sum over slots above `after`. */
  since(after: number): number {
    let sum = 0;
    this.each(after, (_, increment) => sum += increment);
    return sum;
  }

  /** Calls with each increment above `after`, in order. */
  each(after: number, call: (slot: number, increment: number) => void): void {
    for (const block of this.#blocks) {
      if (block.last <= after) continue;
      let slot = block.after;
      let at = 0;
      const next = (): number => {
        let value = 0;
        for (let scale = 1;; scale *= 128) {
          const byte = block.bytes[at++] ?? 0;
          value += (byte % 128) * scale;
          if (byte < 128) return value;
        }
      };
      while (at < block.length) {
        slot += next();
        const increment = next();
        if (slot > after) call(slot, increment);
      }
    }
  }

  /** Forgets blocks in which nothing is above `after`; false when nothing is left. */
  trim(after: number): boolean {
    const stale = this.#blocks.findIndex(({ last }) => last > after);
    if (stale !== 0) {
      this.#blocks = stale < 0 ? [] : this.#blocks.slice(stale);
    }
    return this.#blocks.length > 0;
  }

  #room(slot: number): Block {
    const block = this.#blocks.at(-1);
    if (block === undefined || block.length + PAIR_MAX > BLOCK_MAX) {
      const after = block?.last ?? slot;
      const made = { bytes: new Uint8Array(BLOCK_MIN), length: 0, after };
      const next: Block = { ...made, last: after };
      this.#blocks.push(next);
      return grown(next);
    }
    return grown(block);
  }
}

/** The longest pair: a number below 2^53 takes eight bytes. */
const PAIR_MAX = 16;

function grown(block: Block): Block {
  if (block.length + PAIR_MAX > block.bytes.length) {
    const bytes = new Uint8Array(block.bytes.length * 2);
    bytes.set(block.bytes);
    block.bytes = bytes;
  }
  return block;
}

function append(block: Block, value: number): void {
  let rest = value;
  while (rest >= 128) {
    block.bytes[block.length++] = (rest % 128) + 128;
    rest = Math.floor(rest / 128);
  }
  block.bytes[block.length++] = rest;
}
