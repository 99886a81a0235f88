import {
  type CharClass,
  type Letters,
  membership,
  property,
  range,
} from "./letters.ts";
import { OctetSet } from "./octet-set.ts";
import { character, type Cursor, type Node, refuse } from "./parse.ts";

const DIGITS = new OctetSet().add(0x30, 0x39);
/** Letters, digits and the underscore, of which `\\w` and `\\b` know those of ASCII only. */
export const WORD = new OctetSet().addAll(DIGITS).add(0x41, 0x5a).add(
  0x61,
  0x7a,
)
  .addAll(OctetSet.of(0x5f));
const SPACE = OctetSet.of(0x09, 0x0a, 0x0c, 0x0d, 0x20);

/** Perl's classes, as RE2 has them: ASCII only. */
const PERL: Readonly<Record<string, OctetSet>> = {
  d: DIGITS,
  D: DIGITS.inverse(),
  w: WORD,
  W: WORD.inverse(),
  s: SPACE,
  S: SPACE.inverse(),
};
const CONTROLS: Readonly<Record<string, number>> = {
  a: 0x07,
  f: 0x0c,
  n: 0x0a,
  r: 0x0d,
  t: 0x09,
  v: 0x0b,
};
const between = (...ranges: readonly (readonly [number, number])[]): OctetSet =>
  ranges.reduce(
    (set, [first, last]) => set.add(first, last),
    new OctetSet(),
  );
/** POSIX classes, `[[:alpha:]]`. */
const POSIX: Readonly<Record<string, OctetSet>> = {
  alnum: between([0x30, 0x39], [0x41, 0x5a], [0x61, 0x7a]),
  alpha: between([0x41, 0x5a], [0x61, 0x7a]),
  ascii: between([0, 0x7f]),
  blank: OctetSet.of(0x09, 0x20),
  cntrl: between([0, 0x1f], [0x7f, 0x7f]),
  digit: DIGITS,
  graph: between([0x21, 0x7e]),
  lower: between([0x61, 0x7a]),
  print: between([0x20, 0x7e]),
  punct: between([0x21, 0x2f], [0x3a, 0x40], [0x5b, 0x60], [0x7b, 0x7e]),
  space: between([0x09, 0x0d], [0x20, 0x20]),
  upper: between([0x41, 0x5a]),
  word: WORD,
  xdigit: between([0x30, 0x39], [0x41, 0x46], [0x61, 0x66]),
};

/** What stands behind a backslash; the cursor is behind that. */
export function readEscape(cursor: Cursor): Node {
  const member = readAnyEscape(cursor);
  return typeof member === "number"
    ? character(member, cursor.anyCase)
    : nodeOf(member, cursor, false);
}

/** Octets as long as nothing beyond ASCII is named, else characters. */
function nodeOf(
  named: CharClass,
  { anyCase }: Cursor,
  negated: boolean,
): Node {
  if (named.letters.length > 0) {
    return { kind: "letter", has: membership(named, { negated, anyCase }) };
  }
  const set = anyCase ? named.octets.eitherCase() : named.octets;
  return { kind: "set", set: negated ? set.inverse() : set };
}

/** The code point of one character, or a class. */
function readAnyEscape(cursor: Cursor): number | CharClass {
  const { text } = cursor;
  const char = text[cursor.at++] ?? "";
  const known = PERL[char];
  if (known !== undefined) return { octets: known, letters: [] };
  if (char === "p" || char === "P") return readProperty(cursor, char === "P");
  const control = CONTROLS[char];
  if (control !== undefined) return control;
  if (char === "x") {
    const found = /^(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,6})\})/.exec(
      text.slice(cursor.at),
    );
    const code = Number.parseInt(found?.[1] ?? found?.[2] ?? "", 16);
    const isSurrogate = code >= 0xd800 && code <= 0xdfff;
    if (found === null || code > 0x10ffff || isSurrogate) {
      throw refuse(cursor, "expected \\x and the code of a character");
    }
    cursor.at += found[0].length;
    return code;
  }
  // Every other letter or digit has, or may get, a meaning of its own.
  if (char === "" || char > "\x7f" || /[0-9A-Za-z]/.test(char)) {
    throw refuse(cursor, `an escape "\\${char}" that is not supported`);
  }
  return char.charCodeAt(0);
}

/** `\pL`, `\p{Greek}`, `\p{^Greek}`; the cursor is behind the `p`. */
function readProperty(cursor: Cursor, isOther: boolean): CharClass {
  const found = /^(?:([A-Z])|\{(\^?)([\w=]+)\})/.exec(
    cursor.text.slice(cursor.at),
  );
  const has = property(found?.[1] ?? found?.[3] ?? "");
  if (found === null || has === null) {
    throw refuse(
      cursor,
      "expected a Unicode class, such as \\pL or \\p{Greek}",
    );
  }
  cursor.at += found[0].length;
  const letters = [
    isOther === (found[2] === "^") ? has : (code: number) => !has(code),
  ];
  return { octets: new OctetSet(), letters };
}

/** A class such as `[a-z\d]`; the cursor is behind its bracket. */
export function readClass(cursor: Cursor): Node {
  const { text } = cursor;
  const negated = text[cursor.at] === "^";
  if (negated) cursor.at++;
  const octets = new OctetSet();
  const letters: Letters[] = [];
  // A bracket in the first place is a member.
  for (let first = true; first || text[cursor.at] !== "]"; first = false) {
    if (cursor.at >= text.length) throw refuse(cursor, "a `]` missing");
    const posix = /^\[:(\^?)([a-z]+):\]/.exec(text.slice(cursor.at));
    if (posix !== null) {
      const named = POSIX[posix[2] ?? ""];
      if (named === undefined) throw refuse(cursor, "a class without meaning");
      octets.addAll(posix[1] === "^" ? named.inverse() : named);
      cursor.at += posix[0].length;
    } else readRange(cursor, octets, letters);
  }
  cursor.at++;
  return nodeOf({ octets, letters }, cursor, negated);
}

function readRange(
  cursor: Cursor,
  octets: OctetSet,
  letters: Letters[],
): void {
  const { text } = cursor;
  const first = readMember(cursor);
  const ranges = text[cursor.at] === "-" &&
    (text[cursor.at + 1] ?? "]") !== "]";
  if (typeof first !== "number" && !ranges) {
    octets.addAll(first.octets);
    letters.push(...first.letters);
    return;
  }
  if (ranges) cursor.at++;
  const last = ranges ? readMember(cursor) : first;
  if (
    typeof first !== "number" || typeof last !== "number" || first > last
  ) throw refuse(cursor, "a range that goes nowhere");
  if (first <= 0x7f) octets.add(first, Math.min(last, 0x7f));
  if (last > 0x7f) letters.push(range(Math.max(first, 0x80), last));
}

function readMember(cursor: Cursor): number | CharClass {
  const code = cursor.text.codePointAt(cursor.at) ?? 0;
  cursor.at += code > 0xffff ? 2 : 1;
  return code === BACKSLASH ? readAnyEscape(cursor) : code;
}

const BACKSLASH = 0x5c;
