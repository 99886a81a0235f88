/** A set of octets; immutable once it is in use. */
export class OctetSet {
  readonly words = new Uint32Array(8);

  static of(...octets: readonly number[]): OctetSet {
    const set = new OctetSet();
    for (const octet of octets) set.add(octet, octet);
    return set;
  }

  /** Adds the octets from `first` to `last`. */
  add(first: number, last: number): this {
    for (let octet = first; octet <= last; octet++) {
      this.words[octet >> 5] = (this.words[octet >> 5] ?? 0) |
        (1 << (octet & 31));
    }
    return this;
  }

  addAll(other: OctetSet): this {
    for (let at = 0; at < 8; at++) {
      this.words[at] = (this.words[at] ?? 0) | (other.words[at] ?? 0);
    }
    return this;
  }

  has(octet: number): boolean {
    return ((this.words[octet >> 5] ?? 0) & (1 << (octet & 31))) !== 0;
  }

  /** The octet that it consists of, or null. */
  get only(): number | null {
    let found: number | null = null;
    for (let octet = 0; octet < 256; octet++) {
      if (!this.has(octet)) continue;
      if (found !== null) return null;
      found = octet;
    }
    return found;
  }

  inverse(): OctetSet {
    const set = new OctetSet();
    for (let at = 0; at < 8; at++) set.words[at] = ~(this.words[at] ?? 0);
    return set;
  }

  /** With every letter also in its other case. */
  eitherCase(): OctetSet {
    const set = new OctetSet().addAll(this);
    for (let upper = 0x41; upper <= 0x5a; upper++) {
      if (this.has(upper)) set.add(upper + 0x20, upper + 0x20);
      if (this.has(upper + 0x20)) set.add(upper, upper);
    }
    return set;
  }
}
