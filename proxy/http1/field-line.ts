import { Field, type FieldCache, Name } from "../http/field.ts";
import { HOST } from "../http/message.ts";
import {
  AUTHORITY_TEXT,
  COLON,
  consistsOf,
  CR,
  SP,
  TAB,
  TEXT,
  TOKEN,
} from "./octets.ts";
import { Refusal } from "./refusal.ts";

/**
 * The field on a line that ends in CRLF: from the cache when the same bytes were met before, otherwise parsed and
 * validated (RFC 9112 5). Throws `Refusal` for everything parsers are known to disagree on: a folded line, white space
 * before the colon, a bare CR or LF, control octets.
 */
export function parseFieldLine(
  bytes: Uint8Array,
  start: number,
  end: number,
  cache: FieldCache,
): Field {
  const hash = hashLine(bytes, start, end);
  const known = cache.find(hash, bytes, start, end);
  if (known !== null) return known;
  const field = parseUnknownLine(bytes, start, end);
  cache.add(hash, bytes, start, end, field);
  return field;
}

/** Mixes length, both ends and a few octets between: enough to spread real fields; the cache compares in full. */
export function hashLine(
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  let hash = end - start;
  const step = 1 + ((end - start) >> 4);
  for (let at = start; at < end; at += step) {
    hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193);
  }
  return hash ^ (hash >>> 15);
}

function parseUnknownLine(
  bytes: Uint8Array,
  start: number,
  end: number,
): Field {
  let colon = start;
  while (TOKEN[bytes[colon] ?? 0] !== 0) colon++;
  if (bytes[colon] !== COLON || colon === start) {
    throw refuseName(bytes, start, colon);
  }
  let from = colon + 1;
  while (isSpace(bytes[from])) from++;
  let to = end - 2;
  if (bytes[to] !== CR) throw new Refusal(400, BARE_LF);
  while (to > from && isSpace(bytes[to - 1])) to--;
  const name = findName(bytes, start, colon);
  const table = name === HOST ? AUTHORITY_TEXT : TEXT;
  if (!consistsOf(table, bytes, from, to)) {
    throw new Refusal(
      400,
      `Cannot read field "${name.text}": found an octet that may not stand in its value`,
    );
  }
  return new Field(name, bytes.slice(from, to));
}

/** What is told about a line feed without a carriage return. */
export const BARE_LF = "Cannot read head: found LF, expected CRLF";

function refuseName(
  bytes: Uint8Array,
  start: number,
  stop: number,
): Refusal {
  const octet = bytes[stop];
  if (stop === start && isSpace(octet)) {
    return new Refusal(400, "Cannot read head: found a folded field line");
  }
  if (isSpace(octet)) {
    return new Refusal(400, "Cannot read field: found space in or after name");
  }
  return new Refusal(
    400,
    "Cannot read field: found a line that is not name, colon, value",
  );
}

function isSpace(octet: number | undefined): boolean {
  return octet === SP || octet === TAB;
}

/** Names by the hash of their lower-case bytes; a fixed number of slots, the latest owner stays. */
const NAME_SLOTS = 1024;
const slots = new Array<Name | null>(NAME_SLOTS).fill(null);
const decoder = new TextDecoder("latin1");

function findName(bytes: Uint8Array, start: number, end: number): Name {
  let hash = 0;
  for (let at = start; at < end; at++) {
    hash = Math.imul(hash ^ (TOKEN[bytes[at] ?? 0] ?? 0), 0x01000193);
  }
  const slot = (hash ^ (hash >>> 15)) & (NAME_SLOTS - 1);
  const known = slots[slot] ?? null;
  if (known !== null && isName(known.bytes, bytes, start, end)) return known;
  const text = decoder.decode(bytes.subarray(start, end)).toLowerCase();
  return slots[slot] = Name.of(text);
}

function isName(
  name: Uint8Array,
  bytes: Uint8Array,
  start: number,
  end: number,
): boolean {
  if (name.length !== end - start) return false;
  for (let at = 0; at < name.length; at++) {
    if (name[at] !== TOKEN[bytes[start + at] ?? 0]) return false;
  }
  return true;
}
