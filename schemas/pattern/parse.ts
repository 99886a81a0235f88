import { Problem } from "../problem.ts";
import { type Letters, membership, range } from "./letters.ts";
import { OctetSet } from "./octet-set.ts";
import { readClass, readEscape } from "./octets.ts";

/** What an expression is made of. */
export type Node =
  | { readonly kind: "set"; readonly set: OctetSet }
  | { readonly kind: "letter"; readonly has: Letters }
  | { readonly kind: "boundary"; readonly wanted: boolean }
  | { readonly kind: "concat" | "either"; readonly parts: readonly Node[] }
  /** `max` Infinity: any number. */
  | {
    readonly kind: "repeat";
    readonly part: Node;
    readonly min: number;
    readonly max: number;
  }
  | { readonly kind: "begin" | "end" };

/** Where the parser is in a pattern. */
export interface Cursor {
  readonly text: string;
  at: number;
  /** `(?i)`: letters match in either case. */
  anyCase: boolean;
  /** `(?s)`: a dot matches a line feed too. */
  dotAll: boolean;
}

/** Longest pattern taken, in characters; Gateway API allows 1,024 for a path and 4,096 for a header. */
const MAX_PATTERN = 4_096;
/** Deepest nesting of groups; RE2 allows 1,000, people write three. */
const MAX_DEPTH = 50;
/** Largest count in `{n,m}`, as in RE2. */
const MAX_COUNT = 1_000;

const NO_LINE_FEED = OctetSet.of(0x0a).inverse();
const ALL = new OctetSet().inverse();

/** Reads a pattern in RE2's syntax; throws `protocol.invalid`. */
export function parsePattern(text: string): Node {
  const cursor: Cursor = { text, at: 0, anyCase: false, dotAll: false };
  if (text.length > MAX_PATTERN) throw refuse(cursor, "it is too long");
  const node = parseEither(cursor, 0);
  if (cursor.at < text.length) throw refuse(cursor, "a `)` too many");
  return node;
}

/** Why a pattern is not taken. */
export function refuse({ text, at }: Cursor, why: string): Problem {
  return new Problem(
    "protocol.invalid",
    `Cannot use the pattern "${text.slice(0, 200)}": ${why} (character ${
      at + 1
    })`,
    { hint: "use the syntax of RE2" },
  );
}

function parseEither(cursor: Cursor, depth: number): Node {
  if (depth > MAX_DEPTH) throw refuse(cursor, "groups are nested too deeply");
  // Flags set inside a group end with it.
  const { anyCase, dotAll } = cursor;
  const parts = [parseConcat(cursor, depth)];
  while (cursor.text[cursor.at] === "|") {
    cursor.at++;
    parts.push(parseConcat(cursor, depth));
  }
  cursor.anyCase = anyCase;
  cursor.dotAll = dotAll;
  return { kind: "either", parts };
}

function parseConcat(cursor: Cursor, depth: number): Node {
  const parts: Node[] = [];
  while (cursor.at < cursor.text.length) {
    const next = cursor.text[cursor.at];
    if (next === "|" || next === ")") break;
    const atom = parseAtom(cursor, depth);
    if (atom !== null) parts.push(parseRepeat(cursor, atom));
  }
  return { kind: "concat", parts };
}

/** Null for what only sets flags. */
function parseAtom(cursor: Cursor, depth: number): Node | null {
  const { text } = cursor;
  const char = text[cursor.at++];
  switch (char) {
    case "(":
      return parseGroup(cursor, depth);
    case ".":
      return { kind: "set", set: cursor.dotAll ? ALL : NO_LINE_FEED };
    case "[":
      return readClass(cursor);
    case "^":
      return { kind: "begin" };
    case "$":
      return { kind: "end" };
    case "*":
    case "+":
    case "?":
      throw refuse(cursor, `nothing that "${char}" could repeat`);
    case "\\":
      if (text[cursor.at] === "A" || text[cursor.at] === "z") {
        return { kind: text[cursor.at++] === "A" ? "begin" : "end" };
      }
      if (text[cursor.at] === "b" || text[cursor.at] === "B") {
        return { kind: "boundary", wanted: text[cursor.at++] === "b" };
      }
      return readEscape(cursor);
    default:
      return literal(cursor);
  }
}

/** The character before the cursor, as its UTF-8 octets. */
function literal(cursor: Cursor): Node {
  const code = cursor.text.codePointAt(cursor.at - 1) ?? 0;
  const char = String.fromCodePoint(code);
  cursor.at += char.length - 1;
  return character(code, cursor.anyCase);
}

/** A character as its UTF-8 octets, or in either case as a character. */
export function character(code: number, anyCase: boolean): Node {
  if (code > 0x7f && anyCase) {
    const letters = [range(code, code)];
    const has = membership({ octets: new OctetSet(), letters }, {
      negated: false,
      anyCase,
    });
    return { kind: "letter", has };
  }
  const char = String.fromCodePoint(code);
  const parts = [...new TextEncoder().encode(char)].map((octet): Node => {
    const set = OctetSet.of(octet);
    return { kind: "set", set: anyCase ? set.eitherCase() : set };
  });
  const [only] = parts;
  return parts.length === 1 && only !== undefined
    ? only
    : { kind: "concat", parts };
}

/** Groups capture nothing here: whether the whole matches is all that is asked. */
function parseGroup(cursor: Cursor, depth: number): Node | null {
  const named = /^\?P?<\w+>/.exec(cursor.text.slice(cursor.at));
  const flags = /^\?([is]*)(?:-([is]+))?([:)])/.exec(
    cursor.text.slice(cursor.at),
  );
  const outer = { anyCase: cursor.anyCase, dotAll: cursor.dotAll };
  if (named !== null) cursor.at += named[0].length;
  else if (flags !== null) {
    const [whole, on = "", off = "", end] = flags;
    cursor.at += whole.length;
    cursor.anyCase = (outer.anyCase || on.includes("i")) && !off.includes("i");
    cursor.dotAll = (outer.dotAll || on.includes("s")) && !off.includes("s");
    if (end === ")") return null;
  } else if (cursor.text[cursor.at] === "?") {
    throw refuse(cursor, "a group of an unsupported kind");
  }
  const node = parseEither(cursor, depth + 1);
  Object.assign(cursor, outer);
  if (cursor.text[cursor.at++] !== ")") throw refuse(cursor, "a `)` missing");
  return node;
}

const COUNTS = /^\{(\d{1,4})(?:(,)(\d{1,4})?)?\}/;

function parseRepeat(cursor: Cursor, part: Node): Node {
  const counts = readCounts(cursor);
  if (counts === null) return part;
  // Lazy or greedy makes no difference to whether the whole matches.
  if (cursor.text[cursor.at] === "?") cursor.at++;
  if (readCounts(cursor) !== null) {
    throw refuse(cursor, "a repetition repeated; use a group");
  }
  return { kind: "repeat", part, ...counts };
}

function readCounts(
  cursor: Cursor,
): { readonly min: number; readonly max: number } | null {
  const char = cursor.text[cursor.at];
  if (char === "*" || char === "+" || char === "?") {
    cursor.at++;
    return {
      min: char === "+" ? 1 : 0,
      max: char === "?" ? 1 : Infinity,
    };
  }
  // What is no count is a brace like any other character, as in RE2.
  const found = COUNTS.exec(cursor.text.slice(cursor.at));
  if (found === null) return null;
  const min = Number(found[1]);
  const max = found[2] === undefined
    ? min
    : found[3] === undefined
    ? Infinity
    : Number(found[3]);
  if (min > max || min > MAX_COUNT || (max > MAX_COUNT && max < Infinity)) {
    throw refuse(cursor, `counts ${found[0]} that cannot be`);
  }
  cursor.at += found[0].length;
  return { min, max };
}
