import type { Field } from "../http/field.ts";

/** Bytes of a table that neither side has changed (RFC 9113 6.5.2). We never ask for another size. */
export const DEFAULT_TABLE_BYTES = 4096;
/** What an entry counts besides its name and value (RFC 7541 4.1). */
export const ENTRY_OVERHEAD_BYTES = 32;

/** Size of a field as HPACK and SETTINGS_MAX_HEADER_LIST_SIZE count it. */
export function sizeOf(field: Field): number {
  return field.name.bytes.length + field.value.length + ENTRY_OVERHEAD_BYTES;
}

/** First in, first out, numbered from the newest (RFC 7541 2.3.2); holds nothing until something is added. */
export class DynamicTable {
  count = 0;
  bytes = 0;
  /** How many fields were ever added. */
  added = 0;
  private ring: (Field | null)[] = [];

  /** The entry at `index`, 1 being the newest; null when there is none. */
  get(index: number): Field | null {
    if (index < 1 || index > this.count) return null;
    return this.ring[(this.added - index) & (this.ring.length - 1)] ?? null;
  }

  add(field: Field): void {
    if (this.count === this.ring.length) this.grow();
    this.ring[this.added & (this.ring.length - 1)] = field;
    this.added++;
    this.count++;
    this.bytes += sizeOf(field);
  }

  /** Takes the oldest entry out. */
  evict(): Field | null {
    const oldest = this.get(this.count);
    if (oldest === null) return null;
    this.ring[(this.added - this.count) & (this.ring.length - 1)] = null;
    this.count--;
    this.bytes -= sizeOf(oldest);
    return oldest;
  }

  private grow(): void {
    const bigger = new Array<Field | null>(Math.max(8, this.ring.length * 2))
      .fill(null);
    for (let index = 1; index <= this.count; index++) {
      bigger[(this.added - index) & (bigger.length - 1)] = this.get(index);
    }
    this.ring = bigger;
  }
}
