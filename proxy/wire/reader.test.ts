import { describe, expect, test } from "bun:test";
import { decode, MAX_MESSAGE_BYTES, type Reader } from "./reader.ts";

/** Reads field 1 with one of the typed reads and passes over all others. */
function readFirst<T>(
  bytes: readonly number[],
  read: (reader: Reader) => T,
): T | undefined {
  return decode(Uint8Array.from(bytes), (reader) => {
    let value: T | undefined;
    while (reader.next()) {
      if (reader.field === 1) value = read(reader);
      else reader.skip();
    }
    return value;
  });
}

function nest(reader: Reader): number {
  let depth = 0;
  while (reader.next()) depth = 1 + reader.message(nest);
  return depth;
}

describe("a reader of messages", () => {
  test("reads numbers of every width, the negative ones too", () => {
    const minusOne = [8, ...Array<number>(9).fill(0xff), 1];
    expect(readFirst(minusOne, (at) => at.int64())).toBe(-1);
    expect(readFirst(minusOne, (at) => at.int32())).toBe(-1);
    expect(readFirst(minusOne, (at) => at.uint32())).toBe(0xffff_ffff);
    expect(readFirst([8, 0xff, 0xff, 0xff, 0xff, 0x0f], (at) => at.uint32()))
      .toBe(0xffff_ffff);
    const seconds = [8, 0x80, 0xe8, 0xe0, 0x96, 0xa9, 0x5d];
    expect(readFirst(seconds, (at) => at.int64())).toBe(3_206_509_245_440);
    expect(readFirst([13, 1, 2, 3, 4], (at) => at.fixed32())).toBe(0x04030201);
    expect(readFirst([8, 0], (at) => at.bool())).toBe(false);
  });

  test("passes over fields of every kind that it does not know", () => {
    const unknown = [0x10, 0x96, 0x01, 0x19, ...Array<number>(8).fill(7)];
    const more = [0x22, 2, 0, 0, 0x2d, 1, 2, 3, 4];
    expect(readFirst([...unknown, ...more, 8, 5], (at) => at.uint32())).toBe(5);
  });

  test("reads text of any script and refuses what is not UTF-8", () => {
    const text = new TextEncoder().encode("Grüße 漢🙂");
    expect(readFirst([10, text.length, ...text], (at) => at.string())).toBe(
      "Grüße 漢🙂",
    );
    expect(() => readFirst([10, 2, 0xc3, 0x28], (at) => at.string())).toThrow(
      "not UTF-8",
    );
  });

  test("never reads past the end, of the message or of the one around it", () => {
    const wrong: [number[], string][] = [
      [[10], "end of message inside a number"],
      [[10, 5, 1], "of 5 bytes where 1 are left"],
      [[10, 0xff, 0xff, 0xff, 0xff, 0x0f], "are left"],
      [[10, ...Array<number>(9).fill(0xff), 1], "are left"],
      [[10, 2, 10, 5, 1, 1, 1, 1, 1], "of 5 bytes where 0 are left"],
      [[13, 1, 2], "are left"],
      [[8, ...Array<number>(10).fill(0x80), 0], "more than 64 bits"],
    ];
    for (const [bytes, message] of wrong) {
      const read = bytes[0] === 10
        ? (at: Reader) => at.message(nest)
        : bytes[0] === 13
        ? (at: Reader) => at.fixed32()
        : (at: Reader) => at.uint32();
      expect(() => readFirst(bytes, read)).toThrow(message);
    }
  });

  test("refuses field zero, groups and values of another type", () => {
    expect(() => readFirst([0, 1], (at) => at.uint32())).toThrow("field tag 0");
    expect(() => readFirst([0x13], (at) => at.uint32())).toThrow("wire type 3");
    expect(() => readFirst([10, 0], (at) => at.uint32())).toThrow(
      "wire type 2",
    );
    expect(() => readFirst([8, 1], (at) => at.string())).toThrow("wire type 0");
  });

  test("refuses messages that are too deep or too large", () => {
    let bytes: number[] = [];
    for (let depth = 0; depth < 110; depth++) {
      bytes = [10, bytes.length % 128 + 128, bytes.length >> 7, ...bytes];
    }
    expect(() => decode(Uint8Array.from(bytes), nest)).toThrow("nesting");
    expect(() => decode(new Uint8Array(MAX_MESSAGE_BYTES + 1), nest)).toThrow(
      "expected 4194304 at most",
    );
  });
});
