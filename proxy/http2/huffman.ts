import { ErrorCode } from "../http/message.ts";
import { ConnectionFault } from "./fault.ts";

/**
 * Bits per symbol 0 to 255, then EOS (RFC 7541 appendix B). The code is canonical: codes of one length are consecutive
 * and ascend with the symbol, so the lengths say everything.
 */
// deno-fmt-ignore
export const CODE_LENGTHS: readonly number[] = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
  28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
  5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
  7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
  6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
  24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
  21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
  19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
  26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
  30,
];
const EOS = 256;

/** The code of each symbol, as the low `CODE_LENGTHS` bits of a number. */
export const CODES: readonly number[] = assignCodes();

/** Longest padding: the bits that are left in the last octet. */
const MAX_PADDING_BITS = 7;

/**
 * Decodes a Huffman string into `target` at 0, which must hold `decodedSizeLimit(end - start)` bytes; returns the length.
 *
 * @throws ConnectionFault (COMPRESSION_ERROR) for EOS inside the string or padding that is too long or not all ones
 * (RFC 7541 5.2).
 */
export function decodeHuffman(
  bytes: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
): number {
  let state = 0;
  let length = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0;
    for (let shift = 4; shift >= 0; shift -= 4) {
      const step = STEPS[state << 4 | ((byte >> shift) & 0xf)] ?? FAIL;
      if (step & FAIL) throw compressionFault("the EOS symbol");
      if (step & EMIT) target[length++] = step & 0xff;
      state = step >> 16;
    }
  }
  if (PADDING[state] !== 1) throw compressionFault("wrong padding");
  return length;
}

/** No code is shorter than five bits. */
export function decodedSizeLimit(encodedBytes: number): number {
  return Math.floor(encodedBytes * 8 / 5);
}

function compressionFault(found: string): ConnectionFault {
  return new ConnectionFault(
    ErrorCode.compressionError,
    `Cannot decode a Huffman string: found ${found}, expected RFC 7541 5.2`,
  );
}

function assignCodes(): number[] {
  const codes = new Array<number>(EOS + 1).fill(0);
  let code = 0;
  for (let bits = 1; bits <= 30; bits++) {
    code *= 2;
    CODE_LENGTHS.forEach((length, symbol) => {
      if (length === bits) codes[symbol] = code++;
    });
  }
  return codes;
}

/*
 * The decoder is a machine that eats four bits at a time. Its states are the inner nodes of the code tree; a step packs
 * the next state (from bit 16), EMIT with the symbol, or FAIL.
 */
const EMIT = 0x100;
const FAIL = 0x200;
/** A child that is not there yet; leaves are stored as `-1 - symbol`, so this is beyond all of them. */
const NONE = -1000;
const { steps: STEPS, padding: PADDING } = buildMachine();

function buildMachine(): { steps: Int32Array; padding: Uint8Array } {
  const tree: [number, number][] = [[NONE, NONE]];
  CODE_LENGTHS.forEach((length, symbol) => plant(tree, length, symbol));
  const steps = new Int32Array(tree.length << 4);
  for (let state = 0; state < tree.length; state++) {
    for (let nibble = 0; nibble < 16; nibble++) {
      steps[state << 4 | nibble] = walk(tree, state, nibble);
    }
  }
  const padding = new Uint8Array(tree.length);
  for (let bits = 0, node = 0; bits <= MAX_PADDING_BITS; bits++) {
    padding[node] = 1;
    node = tree[node]?.[1] ?? 0;
  }
  return { steps, padding };
}

function plant(tree: [number, number][], length: number, symbol: number): void {
  let node = 0;
  for (let bit = length - 1; bit >= 0; bit--) {
    const branch = (CODES[symbol] ?? 0) >> bit & 1 ? 1 : 0;
    const children = tree[node] ?? [NONE, NONE];
    if (bit === 0) children[branch] = -1 - symbol;
    else {
      if (children[branch] === NONE) {
        children[branch] = tree.push([NONE, NONE]) - 1;
      }
      node = children[branch];
    }
  }
}

function walk(tree: [number, number][], state: number, nibble: number): number {
  let node = state;
  let emitted = 0;
  for (let bit = 3; bit >= 0; bit--) {
    const child = tree[node]?.[nibble >> bit & 1 ? 1 : 0] ?? NONE;
    if (child >= 0) node = child;
    else if (child === NONE || child === -1 - EOS) return FAIL;
    else {
      emitted = EMIT | (-1 - child);
      node = 0;
    }
  }
  return node << 16 | emitted;
}
