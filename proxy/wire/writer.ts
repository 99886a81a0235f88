const encoder = new TextEncoder();

const VARINT = 0;
const LENGTH = 2;
const FIXED32 = 5;
const FIXED64 = 1;

/** Room of a new writer, enough for most embedded messages; doubled as often as needed. */
const FIRST_BYTES = 64;

/** Grows a protobuf message field by field; zero values and empty texts are left out, as proto3 does. */
export class Writer {
  private bytes = new Uint8Array(FIRST_BYTES);
  private at = 0;

  uint32(field: number, value: number): this {
    if (value === 0) return this;
    this.varint((field << 3) | VARINT);
    this.varint(value >>> 0);
    return this;
  }

  /** Exact up to 2^53. */
  uint64(field: number, value: number): this {
    if (value === 0) return this;
    this.varint((field << 3) | VARINT);
    this.varint(value);
    return this;
  }

  /** A number that is one of several things a message may hold: written even when 0, since its presence has meaning. */
  choice(field: number, value: number): this {
    this.varint((field << 3) | VARINT);
    this.varint(value);
    return this;
  }

  fixed32(field: number, value: number): this {
    this.varint((field << 3) | FIXED32);
    for (let shift = 0; shift < 32; shift += 8) {
      this.put((value >>> shift) & 0xff);
    }
    return this;
  }

  /** Eight bytes given most significant first, as in the text of an IPv6 address. */
  fixed64(field: number, big: Uint8Array): this {
    this.varint((field << 3) | FIXED64);
    for (let at = 7; at >= 0; at--) this.put(big[at] ?? 0);
    return this;
  }

  string(field: number, value: string): this {
    return this.blob(field, encoder.encode(value));
  }

  blob(field: number, value: Uint8Array): this {
    return value.length === 0 ? this : this.span(field, value);
  }

  /** An embedded message; written even when empty, since its presence has meaning. */
  message(field: number, fill: (writer: Writer) => void): this {
    const inner = new Writer();
    fill(inner);
    return this.span(field, inner.bytes.subarray(0, inner.at));
  }

  finish(): Uint8Array<ArrayBuffer> {
    return this.bytes.slice(0, this.at);
  }

  private span(field: number, value: Uint8Array): this {
    this.varint((field << 3) | LENGTH);
    this.varint(value.length);
    this.reserve(value.length);
    this.bytes.set(value, this.at);
    this.at += value.length;
    return this;
  }

  private put(byte: number): void {
    this.reserve(1);
    this.bytes[this.at++] = byte;
  }

  private reserve(length: number): void {
    const needed = this.at + length;
    if (needed <= this.bytes.length) return;
    const wider = new Uint8Array(Math.max(needed, 2 * this.bytes.length));
    wider.set(this.bytes);
    this.bytes = wider;
  }

  private varint(value: number): void {
    let rest = value;
    // Bit operators work on 32 bits.
    for (; rest > 0xffff_ffff; rest = Math.floor(rest / 0x80)) {
      this.put((rest % 0x80) | 0x80);
    }
    for (; rest > 0x7f; rest >>>= 7) this.put((rest & 0x7f) | 0x80);
    this.put(rest);
  }
}
