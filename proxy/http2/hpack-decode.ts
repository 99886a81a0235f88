import { Field, FieldCache, Name, NameFlag } from "../http/field.ts";
import { ErrorCode } from "../http/message.ts";
import { DEFAULT_TABLE_BYTES, DynamicTable, sizeOf } from "./dynamic-table.ts";
import { ConnectionFault } from "./fault.ts";
import type { FieldBlock } from "./field-block.ts";
import { isFieldAllowed, isFieldName } from "./field-rules.ts";
import { decodedSizeLimit, decodeHuffman } from "./huffman.ts";
import { STATIC_ENTRIES, STATIC_TABLE } from "./static-table.ts";

/** Literals met on any connection, so that equal fields are one object and an encoder can index them by identity. */
const sharedFields = new FieldCache(1024, 2);
/** Names as they are spelled on the wire, each in a field without a value. */
const sharedNames = new FieldCache(512);
const NOTHING = new Uint8Array(0);
/** Octets of an integer after its prefix: 28 bits, far above every length and index we accept (RFC 7541 5.1). */
const MAX_INTEGER_OCTETS = 4;
/** Where Huffman strings are decoded to, for all connections; as large as the longest string so far. */
let scratch = new Uint8Array(1024);

/** What a literal says about itself: the pattern of its first octet (RFC 7541 6.2). */
const INDEXED = 0x40;
const SIZE_UPDATE = 0x20;
const NEVER_INDEXED = 0x10;

/** Decodes the header blocks of one connection (RFC 7541); holds its dynamic table. */
export class HeaderDecoder {
  private readonly table = new DynamicTable();
  private tableLimit = DEFAULT_TABLE_BYTES;
  /** Fields of the table that no message may contain; null while there are none, as with honest peers. */
  private refused: WeakSet<Field> | null = null;
  private bytes: Uint8Array = NOTHING;
  private at = 0;
  private end = 0;
  /** The string read last: where its octets begin, and whether they are Huffman codes. */
  private stringAt = 0;
  private huffman = false;
  /** Whether the literal read last may stand in a message. */
  private allowed = true;

  /**
   * Adds the fields of a whole block to `block`. Literals are checked when they arrive; indexed fields cost neither a
   * check nor an allocation.
   *
   * @throws ConnectionFault (COMPRESSION_ERROR), after which the connection cannot go on.
   */
  decode(
    bytes: Uint8Array,
    start: number,
    end: number,
    block: FieldBlock,
  ): void {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
    this.decodeSizeUpdates();
    while (this.at < end) {
      const first = bytes[this.at] ?? 0;
      if (first >= 0x80) this.decodeIndexed(block);
      else if (first >= INDEXED) this.decodeLiteral(0x3f, INDEXED, block);
      else if (first >= SIZE_UPDATE) throw fault("a late table size update");
      else this.decodeLiteral(0x0f, first & NEVER_INDEXED, block);
    }
    this.bytes = NOTHING;
  }

  /** Updates may only stand in front of the first field (RFC 7541 4.2). */
  private decodeSizeUpdates(): void {
    while (
      this.at < this.end && ((this.bytes[this.at] ?? 0) & 0xe0) === SIZE_UPDATE
    ) {
      const size = this.readInteger(0x1f);
      if (size > DEFAULT_TABLE_BYTES) {
        throw fault(`a table of ${size} bytes, more than was allowed`);
      }
      this.tableLimit = size;
      this.makeRoom(0);
    }
  }

  private decodeIndexed(block: FieldBlock): void {
    const index = this.readInteger(0x7f);
    const field = this.entry(index);
    field.repeated = true;
    const refused = index <= STATIC_ENTRIES
      ? REFUSED_STATIC[index]
      : this.refused?.has(field);
    if (refused === true) {
      block.refuse(field);
    }
    block.add(field);
  }

  private decodeLiteral(prefix: number, kind: number, block: FieldBlock): void {
    const index = this.readInteger(prefix);
    const name = index === 0 ? this.readName() : this.entry(index).name;
    const start = this.at;
    this.skipString();
    if (block.tooLarge && kind !== INDEXED) return;
    const field = kind === NEVER_INDEXED
      ? this.makeField(name)
      : this.internField(name, start);
    if (kind === NEVER_INDEXED) field.secret = true;
    if (!this.allowed) block.refuse(field);
    block.add(field);
    if (kind === INDEXED) this.addToTable(field);
  }

  private readName(): Name {
    const start = this.at;
    this.skipString();
    const hash = hashOf(this.bytes, start, this.at, 0);
    const known = sharedNames.find(hash, this.bytes, start, this.at);
    if (known !== null) return known.name;
    const name = Name.of(asciiOf(this.readString()));
    sharedNames.add(hash, this.bytes, start, this.at, new Field(name, NOTHING));
    return name;
  }

  /** The field of the string between `start` (with its length, so that both spellings differ) and here. */
  private internField(name: Name, start: number): Field {
    const hash = hashOf(this.bytes, start, this.at, seedOf(name));
    const known = sharedFields.find(hash, this.bytes, start, this.at);
    if (known !== null && known.name === name) {
      this.allowed = true;
      return known;
    }
    const field = this.makeField(name);
    if (this.allowed) {
      sharedFields.add(hash, this.bytes, start, this.at, field);
    }
    return field;
  }

  private makeField(name: Name): Field {
    const field = new Field(name, this.readString());
    this.allowed = isAllowed(field);
    return field;
  }

  private entry(index: number): Field {
    const field = index <= STATIC_ENTRIES
      ? STATIC_TABLE[index]
      : this.table.get(index - STATIC_ENTRIES);
    if (field === undefined || field === null || index === 0) {
      throw fault(`index ${index}, which names no entry`);
    }
    return field;
  }

  private addToTable(field: Field): void {
    const size = sizeOf(field);
    this.makeRoom(size);
    if (size > this.tableLimit) return;
    this.table.add(field);
    if (!this.allowed) (this.refused ??= new WeakSet()).add(field);
  }

  private makeRoom(size: number): void {
    const { table } = this;
    while (table.count > 0 && table.bytes + size > this.tableLimit) {
      table.evict();
    }
  }

  private readInteger(prefix: number): number {
    let value = (this.bytes[this.at++] ?? 0) & prefix;
    if (value < prefix) return value;
    for (let octets = 0, shift = 0;; octets++, shift += 7) {
      if (octets === MAX_INTEGER_OCTETS) throw fault("an endless integer");
      if (this.at >= this.end) throw fault("an integer cut short");
      const octet = this.bytes[this.at++] ?? 0;
      value += (octet & 0x7f) << shift;
      if (octet < 0x80) return value;
    }
  }

  private skipString(): void {
    if (this.at >= this.end) throw fault("a string cut short");
    this.huffman = (this.bytes[this.at] ?? 0) >= 0x80;
    const length = this.readInteger(0x7f);
    this.stringAt = this.at;
    this.at += length;
    if (this.at > this.end) throw fault("a string cut short");
  }

  /** A copy of the string skipped last. */
  private readString(): Uint8Array {
    if (!this.huffman) return this.bytes.slice(this.stringAt, this.at);
    const limit = decodedSizeLimit(this.at - this.stringAt);
    if (limit > scratch.length) scratch = new Uint8Array(limit);
    const length = decodeHuffman(this.bytes, this.stringAt, this.at, scratch);
    return scratch.slice(0, length);
  }
}

function isAllowed(field: Field): boolean {
  const { name } = field;
  const spelled = (name.flags & NameFlag.pseudo) !== 0 ||
    isFieldName(name.bytes);
  return spelled && isFieldAllowed(name, field.value);
}

/** Static entries that only lend their names, such as `transfer-encoding`, and `:authority` without a value. */
const REFUSED_STATIC: readonly boolean[] = STATIC_TABLE.map((field) =>
  !isAllowed(field)
);

/** Text of a name; octets that no name may have keep their place, so that table sizes stay right. */
function asciiOf(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) {
    text += byte < 0x80 ? String.fromCharCode(byte) : "?";
  }
  return text;
}

/** Longer strings are hashed at so many places only: their ends and lengths tell them apart. */
const HASHED_OCTETS = 64;

function hashOf(
  bytes: Uint8Array,
  start: number,
  end: number,
  seed: number,
): number {
  let hash = seed ^ 0x811c9dc5;
  const step = 1 + Math.floor((end - start) / HASHED_OCTETS);
  for (let at = end - 1; at >= start; at -= step) {
    hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193);
  }
  return hash ^ hash >>> 15;
}

/** Keeps equal values of different names apart. */
function seedOf(name: Name): number {
  const { bytes } = name;
  return bytes.length << 16 ^ (bytes[1] ?? 0) << 8 ^
    (bytes[bytes.length - 1] ?? 0);
}

function fault(found: string): ConnectionFault {
  return new ConnectionFault(
    ErrorCode.compressionError,
    `Cannot decode a header block: found ${found}, expected RFC 7541`,
  );
}
