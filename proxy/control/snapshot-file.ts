import { readFileSync } from "node:fs";
import { crc32 } from "node:zlib";
import { describe, Problem } from "../../schemas/problem.ts";
import { writePrivately } from "../private-file.ts";

/** What the control plane answered to one question, as it came over the wire. */
export interface Told {
  /** `/package.Service/Method`. */
  readonly path: string;
  readonly request: Uint8Array;
  /** The messages to read in this order. */
  readonly messages: readonly Uint8Array[];
  /** When the last of them came, Unix milliseconds. */
  readonly atMs: number;
}

/** Begins the file and tells its version: others are not read. */
const MAGIC = new TextEncoder().encode("l5d-told-1\n");
const SUM_BYTES = 4;
const LITTLE_ENDIAN = true;

/** Writes all of it in one step: a reader finds these answers or those before. Throws what the file system says. */
export function writeTold(path: string, told: Iterable<Told>): void {
  const parts: Uint8Array[] = [];
  for (const { path, request, messages, atMs } of told) {
    const head = new DataView(new ArrayBuffer(12));
    head.setFloat64(0, atMs, LITTLE_ENDIAN);
    head.setUint32(8, messages.length, LITTLE_ENDIAN);
    parts.push(new Uint8Array(head.buffer));
    for (const one of [encoder.encode(path), request, ...messages]) {
      parts.push(lengthOf(one), one);
    }
  }
  const body = Buffer.concat(parts);
  const sum = new DataView(new ArrayBuffer(SUM_BYTES));
  sum.setUint32(0, crc32(body), LITTLE_ENDIAN);
  writePrivately(
    path,
    Buffer.concat([MAGIC, new Uint8Array(sum.buffer), body]),
  );
}

/** Reads what an earlier start has written; none when there is no file. Throws `protocol.invalid` when it is broken. */
export function readTold(path: string): Told[] {
  const file = readIfThere(path);
  if (file === null) return [];
  const start = MAGIC.length + SUM_BYTES;
  if (file.length < start || !file.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw broken("another kind of file");
  }
  const body = file.subarray(start);
  if (crc32(body) !== file.readUInt32LE(MAGIC.length)) {
    throw broken("a sum that is not that of its content");
  }
  const told: Told[] = [];
  for (const cursor = { at: 0 }; cursor.at < body.length;) {
    const head = take(body, cursor, 12);
    const atMs = head.readDoubleLE(0);
    const count = head.readUInt32LE(8);
    const path = take(body, cursor).toString();
    const request = Uint8Array.from(take(body, cursor));
    const messages: Uint8Array[] = [];
    // Each takes four bytes at least, so that a wrong count ends at the end of the file.
    for (let at = 0; at < count; at++) {
      messages.push(Uint8Array.from(take(body, cursor)));
    }
    told.push({ path, request, messages, atMs });
  }
  return told;
}

const encoder = new TextEncoder();

function lengthOf({ length }: Uint8Array): Uint8Array {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, length, LITTLE_ENDIAN);
  return new Uint8Array(view.buffer);
}

/** The next bytes: as many as told, or as they say themselves. */
function take(body: Buffer, cursor: { at: number }, length?: number): Buffer {
  const wanted = length ?? take(body, cursor, 4).readUInt32LE();
  const from = cursor.at;
  if (wanted > body.length - from) throw broken("an end that comes too early");
  cursor.at = from + wanted;
  return body.subarray(from, cursor.at);
}

function readIfThere(path: string): Buffer | null {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw broken(describe(error));
  }
}

function broken(found: string): Problem {
  return new Problem(
    "protocol.invalid",
    `Cannot read what the control plane told an earlier start: found ${found}`,
  );
}
