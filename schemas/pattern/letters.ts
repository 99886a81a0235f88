import type { OctetSet } from "./octet-set.ts";

/** Whether a character, by its code point, is meant. */
export type Letters = (code: number) => boolean;

/** What a class of characters names: octets, and beyond ASCII whole characters. */
export interface CharClass {
  /** With an octet beyond ASCII in it (as in `\D`) it has all characters beyond ASCII. */
  readonly octets: OctetSet;
  readonly letters: readonly Letters[];
}

/** The characters from `first` to `last`. */
export function range(first: number, last: number): Letters {
  return (code) => first <= code && code <= last;
}

/**
 * The characters of a Unicode property: a general category (`L`, `Lu`, `Letter`), a script (`Greek`), or anything else
 * that JavaScript knows by the name. One character at a time is asked for, so its engine has nowhere to go back to.
 * Null when there is no such property.
 */
export function property(name: string): Letters | null {
  if (!/^\w+(=\w+)?$/.test(name)) return null;
  const known = compile(name) ?? compile(`Script=${name}`);
  return known && ((code) => known.test(String.fromCodePoint(code)));
}

function compile(name: string): RegExp | null {
  try {
    return new RegExp(`^\\p{${name}}$`, "u");
  } catch {
    return null; // A name that means nothing.
  }
}

/** Whether a class has a character, in either case if that is asked for. Remembers the last answer: states ask it again. */
export function membership(
  { octets, letters }: CharClass,
  { negated, anyCase }: {
    readonly negated: boolean;
    readonly anyCase: boolean;
  },
): Letters {
  const has: Letters = (code) =>
    octets.has(Math.min(code, FIRST_BEYOND)) ||
    letters.some((letter) => letter(code));
  let last = -1;
  let answer = false;
  return (code) => {
    if (code === last) return answer;
    last = code;
    answer = (anyCase ? casesOf(code).some(has) : has(code)) !== negated;
    return answer;
  };
}

/** The first code point that is no octet of ASCII. */
const FIRST_BEYOND = 0x80;

/** A character and its other cases, where these are one character too. */
function casesOf(code: number): number[] {
  const char = String.fromCodePoint(code);
  return [char, char.toLowerCase(), char.toUpperCase()]
    .filter((one) => [...one].length === 1)
    .map((one) => one.codePointAt(0) ?? code);
}

/** A character of which some octets have been read (RFC 3629). */
export interface Reading {
  readonly code: number;
  /** Octets that are missing. */
  readonly left: number;
  /** The least code point that so many octets may stand for. */
  readonly least: number;
}

/** Begins a character with its first octet; null when none begins so, or it is ASCII. */
export function beginReading(octet: number): Reading | null {
  if (octet >= 0xc2 && octet <= 0xdf) {
    return { code: octet & 0x1f, left: 1, least: 0x80 };
  }
  if (octet >= 0xe0 && octet <= 0xef) {
    return { code: octet & 0x0f, left: 2, least: 0x800 };
  }
  if (octet >= 0xf0 && octet <= 0xf4) {
    return { code: octet & 0x07, left: 3, least: 0x10000 };
  }
  return null;
}

/** Goes on with the next octet; null when the character cannot go on so. */
export function goOnReading(
  { code, left, least }: Reading,
  octet: number,
): Reading | null {
  if (octet < 0x80 || octet > 0xbf) return null;
  const next = { code: code << 6 | (octet & 0x3f), left: left - 1, least };
  if (next.left > 0) return next;
  const isSurrogate = next.code >= 0xd800 && next.code <= 0xdfff;
  return next.code < least || next.code > 0x10ffff || isSurrogate ? null : next;
}
