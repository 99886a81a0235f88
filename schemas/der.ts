const SEQUENCE = 0x30;
const SET = 0x31;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const OBJECT_ID = 0x06;
const UTF8_STRING = 0x0c;

const encoder = new TextEncoder();

/** One element of DER: tag, length, contents one after the other (X.690 8.1). */
export function element(tag: number, ...contents: Uint8Array[]): Uint8Array {
  const length = contents.reduce((sum, part) => sum + part.length, 0);
  const sizes = length < 0x80
    ? [length]
    : length < 0x100
    ? [0x81, length]
    : [0x82, length >> 8, length & 0xff];
  return join([Uint8Array.of(tag, ...sizes), ...contents]);
}

export function sequence(...members: Uint8Array[]): Uint8Array {
  return element(SEQUENCE, ...members);
}

export function set(...members: Uint8Array[]): Uint8Array {
  return element(SET, ...members);
}

export function octets(contents: Uint8Array): Uint8Array {
  return element(OCTET_STRING, contents);
}

/** Whole bytes: no unused bits. */
export function bits(contents: Uint8Array): Uint8Array {
  return element(BIT_STRING, Uint8Array.of(0), contents);
}

export function utf8(text: string): Uint8Array {
  return element(UTF8_STRING, encoder.encode(text));
}

/** A number of any size, most significant byte first, not negative: no needless zeros, but one before a set top bit. */
export function integer(magnitude: Uint8Array): Uint8Array {
  let from = 0;
  while (from < magnitude.length - 1 && magnitude[from] === 0) from++;
  const digits = magnitude.subarray(from);
  const sign = (digits[0] ?? 0) > 0x7f ? Uint8Array.of(0) : new Uint8Array(0);
  return element(INTEGER, sign, digits);
}

/** `1.2.840.10045.4.3.2`: the first two arcs share a byte, the rest are base 128. */
export function objectId(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const bytes = [40 * first + second];
  for (const arc of rest) {
    const digits = [arc & 0x7f];
    for (let left = arc >> 7; left > 0; left >>= 7) {
      digits.unshift((left & 0x7f) | 0x80);
    }
    bytes.push(...digits);
  }
  return element(OBJECT_ID, Uint8Array.from(bytes));
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(
    parts.reduce((sum, part) => sum + part.length, 0),
  );
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
