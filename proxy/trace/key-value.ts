import { Writer } from "../wire/writer.ts";
import type { Value } from "./span.ts";

const KEY_VALUE = { key: 1, value: 2 } as const;
const ANY_VALUE = { string: 1, int: 3 } as const;
/** Shorter than this, a length is one byte; a message of a text has at most six bytes besides it. */
const ONE_BYTE = 0x80;
const BESIDES = 6;

/**
 * An attribute as field `field` of its span. Most are short texts, a dozen to a span: written in one piece they take less
 * than half the time of messages in messages (measured: a span in 7 instead of 16 µs).
 */
export function keyValue(
  field: number,
  key: string,
  value: Value,
): Uint8Array {
  const short = typeof value === "string" ? shortText(field, key, value) : null;
  return short ?? new Writer().message(field, (pair) => {
    pair.string(KEY_VALUE.key, key).message(KEY_VALUE.value, (any) => {
      if (typeof value === "number") any.choice(ANY_VALUE.int, value);
      else any.string(ANY_VALUE.string, value);
    });
  }).finish();
}

/** Null when a length may take more than a byte. */
function shortText(
  field: number,
  key: string,
  value: string,
): Uint8Array | null {
  const room = 2 + BESIDES + Buffer.byteLength(key) + Buffer.byteLength(value);
  if (room >= ONE_BYTE || value === "") return null;
  const bytes = Buffer.allocUnsafe(room);
  const keyLength = bytes.write(key, 4);
  const anyAt = 4 + keyLength;
  const valueLength = bytes.write(value, anyAt + 4);
  bytes[0] = tag(field);
  bytes[1] = room - 2;
  bytes[2] = tag(KEY_VALUE.key);
  bytes[3] = keyLength;
  bytes[anyAt] = tag(KEY_VALUE.value);
  bytes[anyAt + 1] = 2 + valueLength;
  bytes[anyAt + 2] = tag(ANY_VALUE.string);
  bytes[anyAt + 3] = valueLength;
  return bytes;
}

/** Of a length-delimited field; its number must be below 16. */
function tag(field: number): number {
  return (field << 3) | 2;
}
