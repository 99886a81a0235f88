import { OctetSet } from "./octet-set.ts";
import { type Cursor, refuse } from "./parse.ts";

const DIGITS = new OctetSet().add(0x30, 0x39);
const WORD = new OctetSet().addAll(DIGITS).add(0x41, 0x5a).add(0x61, 0x7a)
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
export function readEscape(cursor: Cursor): OctetSet {
  const set = readAnyEscape(cursor);
  return cursor.anyCase ? set.eitherCase() : set;
}

function readAnyEscape(cursor: Cursor): OctetSet {
  const { text } = cursor;
  const char = text[cursor.at++] ?? "";
  const known = PERL[char];
  if (known !== undefined) return known;
  const control = CONTROLS[char];
  if (control !== undefined) return OctetSet.of(control);
  if (char === "x") {
    const found = /^(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,6})\})/.exec(
      text.slice(cursor.at),
    );
    const code = Number.parseInt(found?.[1] ?? found?.[2] ?? "", 16);
    if (found === null || code > 0x7f) {
      throw refuse(cursor, "expected \\x and a code of ASCII");
    }
    cursor.at += found[0].length;
    return OctetSet.of(code);
  }
  // Every other letter or digit has, or may get, a meaning of its own.
  if (char === "" || char > "\x7f" || /[0-9A-Za-z]/.test(char)) {
    throw refuse(cursor, `an escape "\\${char}" that is not supported`);
  }
  return OctetSet.of(char.charCodeAt(0));
}

/** A class such as `[a-z\d]`; the cursor is behind its bracket. */
export function readClass(cursor: Cursor): OctetSet {
  const { text } = cursor;
  const negated = text[cursor.at] === "^";
  if (negated) cursor.at++;
  const set = new OctetSet();
  // A bracket in the first place is a member.
  for (let first = true; first || text[cursor.at] !== "]"; first = false) {
    if (cursor.at >= text.length) throw refuse(cursor, "a `]` missing");
    const posix = /^\[:(\^?)([a-z]+):\]/.exec(text.slice(cursor.at));
    if (posix !== null) {
      const named = POSIX[posix[2] ?? ""];
      if (named === undefined) throw refuse(cursor, "a class without meaning");
      set.addAll(posix[1] === "^" ? named.inverse() : named);
      cursor.at += posix[0].length;
    } else readRange(cursor, set);
  }
  cursor.at++;
  const cased = cursor.anyCase ? set.eitherCase() : set;
  return negated ? cased.inverse() : cased;
}

function readRange(cursor: Cursor, set: OctetSet): void {
  const { text } = cursor;
  const low = readMember(cursor);
  const ranges = text[cursor.at] === "-" &&
    (text[cursor.at + 1] ?? "]") !== "]";
  if (!ranges) return void set.addAll(low);
  cursor.at++;
  const first = low.only;
  const last = readMember(cursor).only;
  if (first === null || last === null || first > last) {
    throw refuse(cursor, "a range that goes nowhere");
  }
  set.add(first, last);
}

function readMember(cursor: Cursor): OctetSet {
  const char = cursor.text[cursor.at++] ?? "";
  if (char === "\\") return readAnyEscape(cursor);
  const code = char.charCodeAt(0);
  if (!(code <= 0x7f)) {
    throw refuse(cursor, "a class with letters beyond ASCII");
  }
  return OctetSet.of(code);
}
