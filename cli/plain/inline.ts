import { Pair, Scalar, type Schema, YAMLMap, YAMLSeq } from "yaml";

/** A document while it is read. */
export interface Cursor {
  readonly text: string;
  readonly schema: Schema;
  /** Where reading goes on. */
  at: number;
  /** Whether brackets may span lines: in JSON they do. */
  spans: boolean;
}

/** A node and what it stands for. */
export interface Read {
  readonly node: Scalar | YAMLMap | YAMLSeq;
  readonly value: unknown;
}

/** Thrown at what only a whole YAML parser should judge. Made once: it says nothing, and nobody sees it. */
export const UNUSUAL = new Error("this is no plain YAML");

/** Words that a schema of YAML 1.1 may take for something else than text. */
const WORDS = /^(y|n|yes|no|on|off|true|false|null)$/i;
/** Characters that give a scalar another meaning than itself when they begin it. */
const INDICATORS = "?:,[]{}#&*!|>%@`\"'";
/** A scalar inside brackets, of characters that mean nothing there. */
const IN_FLOW = /[\w./][\w./ -]*|-[\w./-][\w./ -]*/y;
/** Brackets inside brackets: more than Kubernetes has. */
const FLOW_DEPTH_MAX = 64;
/** A key longer than this is a mistake in YAML, and not ours to judge. */
const KEY_MAX_CHARS = 1_000;

/** Reads the value that begins at the cursor and ends before `end`, the end of its line. */
export function readInline(cursor: Cursor, end: number): Read {
  switch (cursor.text[cursor.at]) {
    case '"':
    case "'":
      return readQuoted(cursor, end);
    case "[":
    case "{":
      return readFlow(cursor, end, 0);
    default:
      return readPlain(cursor, end);
  }
}

/** Reads text in quotes on one line. */
export function readQuoted(cursor: Cursor, end: number): Read {
  const { text, at } = cursor;
  const quote = text[at] ?? "";
  let close = at + 1;
  while (close < end && text[close] !== quote) {
    close += text[close] === "\\" && quote === '"' ? 2 : 1;
  }
  // Two single quotes are one, and then text goes on.
  if (close >= end || (quote === "'" && text[close + 1] === "'")) throw UNUSUAL;
  cursor.at = close + 1;
  const source = text.slice(at + 1, close);
  if (cursor.spans && source.includes("\n")) throw UNUSUAL;
  const value = quote === '"' && source.includes("\\")
    ? unescape(text.slice(at, close + 1))
    : source;
  return scalar(value, source, at, close + 1);
}

/** A plain key or a quoted one; null where there is none with a colon after it. The cursor ends behind the colon. */
export function readKey(cursor: Cursor, end: number): Read | null {
  const { text, at } = cursor;
  let key: Read;
  if (text[at] === '"' || text[at] === "'") key = readQuoted(cursor, end);
  else {
    KEY.lastIndex = at;
    const name = KEY.exec(text)?.[0];
    if (name === undefined) return null;
    cursor.at = at + name.length;
    key = scalar(name, name, at, cursor.at);
  }
  if (text[cursor.at] !== ":" || !endsKey(cursor)) {
    cursor.at = at;
    return null;
  }
  if (cursor.at - at > KEY_MAX_CHARS) throw UNUSUAL;
  if (WORDS.test(String(key.value)) || key.value === "__proto__") throw UNUSUAL;
  cursor.at++;
  return key;
}

const KEY = /[A-Za-z_][\w./-]*/y;

/** Whether the colon at the cursor ends a key: a space follows it, or the key is JSON's. */
function endsKey({ text, at, spans }: Cursor): boolean {
  const after = text[at + 1];
  return after === " " || after === "\n" || after === undefined ||
    (spans && text[at - 1] === '"');
}

/** A scalar without quotes: up to a comment or the end of its line. */
function readPlain(cursor: Cursor, end: number): Read {
  const { text, at } = cursor;
  const first = text[at] ?? "";
  const isDash = first === "-" && (text[at + 1] ?? " ") <= " ";
  if (isDash || INDICATORS.includes(first)) throw UNUSUAL;
  const line = text.slice(at, end);
  const comment = line.indexOf(" #");
  const source = (comment < 0 ? line : line.slice(0, comment)).replace(
    / +$/,
    "",
  );
  if (source.includes(": ") || source.endsWith(":")) throw UNUSUAL;
  cursor.at = at + source.length;
  return resolve(cursor, source, at);
}

/** A list or a map in brackets, on one line. */
function readFlow(cursor: Cursor, end: number, depth: number): Read {
  const { text, at, schema } = cursor;
  if (depth > FLOW_DEPTH_MAX) throw UNUSUAL;
  const isMap = text[at] === "{";
  const close = isMap ? "}" : "]";
  const map = new YAMLMap(schema);
  const list = new YAMLSeq(schema);
  const fields: Record<string, unknown> = {};
  const items: unknown[] = [];
  cursor.at++;
  for (let isFirst = true;; isFirst = false) {
    skipSpaces(cursor, end);
    if (text[cursor.at] === close) {
      // A comma before it is allowed, and rare.
      if (!isFirst) throw UNUSUAL;
      break;
    }
    if (isMap) readField(cursor, end, depth, map, fields);
    else {
      const item = readItem(cursor, end, depth);
      list.items.push(item.node);
      items.push(item.value);
    }
    skipSpaces(cursor, end);
    const after = text[cursor.at];
    if (after === close) break;
    if (after !== ",") throw UNUSUAL;
    cursor.at++;
  }
  cursor.at++;
  const node = isMap ? map : list;
  node.flow = true;
  node.range = [at, cursor.at, cursor.at];
  return { node, value: isMap ? fields : items };
}

function readField(
  cursor: Cursor,
  end: number,
  depth: number,
  map: YAMLMap,
  fields: Record<string, unknown>,
): void {
  const key = readKey(cursor, end);
  if (key === null) throw UNUSUAL;
  const name = String(key.value);
  if (name in fields) throw UNUSUAL;
  skipSpaces(cursor, end);
  const { node, value } = readItem(cursor, end, depth);
  map.items.push(new Pair(key.node, node));
  fields[name] = value;
}

function readItem(cursor: Cursor, end: number, depth: number): Read {
  const { text, at } = cursor;
  const first = text[at] ?? "";
  if (first === '"' || first === "'") {
    const read = readQuoted(cursor, end);
    // Text in quotes with a colon after it is a key.
    if (text[cursor.at] === ":") throw UNUSUAL;
    return read;
  }
  if (first === "[" || first === "{") return readFlow(cursor, end, depth + 1);
  IN_FLOW.lastIndex = at;
  const source = IN_FLOW.exec(text)?.[0]?.trimEnd() ?? "";
  if (source === "" || text[at + source.length] === ":") throw UNUSUAL;
  cursor.at = at + source.length;
  return resolve(cursor, source, at);
}

/** What a scalar without quotes stands for: text, unless the schema has another word for it. */
function resolve({ schema }: Cursor, source: string, at: number): Read {
  const end = at + source.length;
  if (/^[A-Za-z_/]/.test(source) && !WORDS.test(source)) {
    return scalar(source, source, at, end);
  }
  const tag = schema.tags.find((tag) =>
    tag.default === true && "test" in tag && tag.test?.test(source) === true
  );
  if (tag?.resolve === undefined) return scalar(source, source, at, end);
  const resolved: unknown = (tag.resolve as Resolve)(source, fail, OPTIONS);
  const value = resolved instanceof Scalar ? resolved.value : resolved;
  return scalar(value, source, at, end);
}

/** How yaml's tags read a scalar. */
type Resolve = (
  source: string,
  onError: () => never,
  options: typeof OPTIONS,
) => unknown;
const OPTIONS = { intAsBigInt: false } as const;

function fail(): never {
  throw UNUSUAL;
}

function scalar(value: unknown, source: string, at: number, end: number): Read {
  const node = new Scalar(value);
  node.source = source;
  node.range = [at, end, end];
  return { node, value };
}

/** Escapes that JSON knows mean the same in YAML. */
function unescape(quoted: string): string {
  try {
    return JSON.parse(quoted);
  } catch {
    throw UNUSUAL;
  }
}

function skipSpaces(cursor: Cursor, end: number): void {
  const { text, spans } = cursor;
  while (
    cursor.at < end &&
    (text[cursor.at] === " " || (spans && text[cursor.at] === "\n"))
  ) cursor.at++;
}
