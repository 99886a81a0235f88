import type { Output } from "../channel.ts";
import type { Field, Name } from "../http/field.ts";
import { DEFAULT_TABLE_BYTES, DynamicTable, sizeOf } from "./dynamic-table.ts";
import { findStatic, STATIC_ENTRIES } from "./static-table.ts";

/** An integer of 28 bits takes at most this many octets, its prefix included (RFC 7541 5.1). */
const MAX_INTEGER_BYTES = 5;
/** An entry that would take more of the table than this costs more in lost neighbours than it saves. */
const MAX_ENTRY_SHARE = 1 / 4;

/**
 * Writes header blocks for one connection (RFC 7541); holds its dynamic table, keyed by the identity of `Field`s.
 *
 * Only fields that were met before are indexed, and secrets never: the connection may serve many clients. Strings are not
 * Huffman-coded: on a mesh hop the octets saved are worth less than the time.
 */
export class HeaderEncoder {
  private readonly table = new DynamicTable();
  /** When each field was added: `table.added` at that time. */
  private readonly positions = new Map<Field, number>();
  private readonly names = new Map<Name, number>();
  private limit = DEFAULT_TABLE_BYTES;
  /** The smallest limit since the last block, to be announced in the next (RFC 7541 4.2); null when unchanged. */
  private lowest: number | null = null;

  /** Obeys the peer's SETTINGS_HEADER_TABLE_SIZE; a larger table than the default is not used. */
  resize(peerBytes: number): void {
    const limit = Math.min(peerBytes, DEFAULT_TABLE_BYTES);
    if (limit === this.limit) return;
    this.limit = limit;
    this.lowest = Math.min(this.lowest ?? limit, limit);
    this.makeRoom(0);
  }

  /** Must precede the fields of each block. */
  begin(out: Output): void {
    if (this.lowest === null) return;
    out.reserve(2 * MAX_INTEGER_BYTES);
    if (this.lowest < this.limit) writeInteger(out, 0x20, 0x1f, this.lowest);
    writeInteger(out, 0x20, 0x1f, this.limit);
    this.lowest = null;
  }

  write(out: Output, field: Field): void {
    const { name, value } = field;
    out.reserve(
      name.bytes.length + value.length + 3 * MAX_INTEGER_BYTES,
    );
    if (field.secret) {
      this.writeLiteral(out, 0x10, 0x0f, field);
      return;
    }
    const index = findStatic(field) || this.findDynamic(field);
    if (index > 0) writeInteger(out, 0x80, 0x7f, index);
    else if (field.repeated && this.isWorthIndexing(field)) {
      this.writeLiteral(out, 0x40, 0x3f, field);
      this.addToTable(field);
    } else this.writeLiteral(out, 0x00, 0x0f, field);
  }

  private findDynamic(field: Field): number {
    if (!field.repeated) return 0;
    const position = this.positions.get(field);
    return position === undefined ? 0 : this.indexOf(position);
  }

  private indexOf(position: number): number {
    return STATIC_ENTRIES + this.table.added - position;
  }

  private isWorthIndexing(field: Field): boolean {
    return sizeOf(field) <= this.limit * MAX_ENTRY_SHARE;
  }

  private addToTable(field: Field): void {
    this.makeRoom(sizeOf(field));
    this.positions.set(field, this.table.added);
    if (field.name.staticIndex === 0) {
      this.names.set(field.name, this.table.added);
    }
    this.table.add(field);
  }

  private makeRoom(size: number): void {
    const { table } = this;
    while (table.count > 0 && table.bytes + size > this.limit) {
      const position = table.added - table.count;
      const field = table.evict();
      if (field === null) return;
      this.positions.delete(field);
      if (this.names.get(field.name) === position) {
        this.names.delete(field.name);
      }
    }
  }

  private writeLiteral(
    out: Output,
    pattern: number,
    prefix: number,
    field: Field,
  ): void {
    const { name } = field;
    const position = name.staticIndex === 0 ? this.names.get(name) : undefined;
    const index = position === undefined
      ? name.staticIndex
      : this.indexOf(position);
    writeInteger(out, pattern, prefix, index);
    if (index === 0) writeString(out, name.bytes);
    writeString(out, field.value);
  }
}

function writeInteger(
  out: Output,
  pattern: number,
  prefix: number,
  value: number,
): void {
  const { bytes } = out;
  if (value < prefix) {
    bytes[out.length++] = pattern | value;
    return;
  }
  bytes[out.length++] = pattern | prefix;
  let rest = value - prefix;
  for (; rest >= 0x80; rest >>>= 7) bytes[out.length++] = rest & 0x7f | 0x80;
  bytes[out.length++] = rest;
}

function writeString(out: Output, string: Uint8Array): void {
  writeInteger(out, 0x00, 0x7f, string.length);
  const { bytes } = out;
  const at = out.length;
  // Most strings are short, and for those a loop is faster than a call of `set`.
  if (string.length > SHORT_STRING_BYTES) bytes.set(string, at);
  else for (let i = 0; i < string.length; i++) bytes[at + i] = string[i] ?? 0;
  out.length = at + string.length;
}

const SHORT_STRING_BYTES = 24;
