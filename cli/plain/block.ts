import { Pair, Scalar, type Schema, YAMLMap, YAMLSeq } from "yaml";
import {
  type Cursor,
  type Read,
  readInline,
  readKey,
  UNUSUAL,
} from "./inline.ts";

/** A cursor at the beginning of something on a line. */
interface Page extends Cursor {
  /** Column of what the cursor is at; -1 at the end. */
  indent: number;
}

/** Deeper than anything in Kubernetes; yaml judges the rest. */
const DEPTH_MAX = 64;

/**
 * Reads a document of maps, lists, and values on one line, as nearly all manifests are, or JSON: fifteen times as fast
 * as a whole YAML parser. Null for a document with anything else in it (block text, anchors, tags, tabs, mistakes), which is no
 * judgement: such a document is for `yaml`. What is read is what `yaml` reads, to the position (decision 94).
 */
export function readPlainDocument(text: string, schema: Schema): Read | null {
  // Tabs, carriage returns, and a byte order mark.
  if (/[\t\r\uFEFF]/.test(text)) return null;
  const page: Page = { text, schema, at: 0, indent: 0, spans: false };
  const marker = /^(#[^\n]*\n|\n)*---(\n|$)/.exec(text)?.[0].length ?? 0;
  try {
    toContent(page, marker);
    if (page.indent < 0) return null;
    const read = text[page.at] === "{" ? readJson(page) : readBlock(page, 0);
    return page.indent < 0 ? read : null;
  } catch (thrown) {
    if (thrown === UNUSUAL) return null;
    throw thrown;
  }
}

/** A document in brackets, as JSON is: they span lines. */
function readJson(page: Page): Read {
  page.spans = true;
  const read = readInline(page, page.text.length);
  page.spans = false;
  const end = lineEnd(page);
  if (!skipBlanks(page, end)) throw UNUSUAL;
  toContent(page, end + 1);
  return read;
}

/** A map or a list that begins at the cursor. */
function readBlock(page: Page, depth: number): Read {
  if (depth > DEPTH_MAX) throw UNUSUAL;
  return isDash(page) ? readList(page, depth) : readMap(page, depth);
}

function readMap(page: Page, depth: number): Read {
  const { text, indent, schema } = page;
  const map = new YAMLMap(schema);
  const fields: Record<string, unknown> = {};
  const start = page.at;
  while (page.indent === indent && !isDash(page)) {
    const end = lineEnd(page);
    const key = readKey(page, end);
    if (key === null) throw UNUSUAL;
    const name = String(key.value);
    if (name in fields) throw UNUSUAL;
    const colonEnd = page.at;
    const { node, value } = skipBlanks(page, end)
      ? readBelow(page, colonEnd, indent, depth)
      : readOnLine(page, end, indent);
    map.items.push(new Pair(key.node, node));
    fields[name] = value;
  }
  if (page.indent > indent) throw UNUSUAL;
  map.range = [start, page.at, page.at];
  if (text[start] === undefined) throw UNUSUAL;
  return { node: map, value: fields };
}

/** What follows a key on lines below it: a map or list further in, a list at its own column, or nothing. */
function readBelow(
  page: Page,
  at: number,
  indent: number,
  depth: number,
): Read {
  toContent(page, nextLine(page, at));
  const isList = page.indent === indent && isDash(page);
  if (page.indent > indent || isList) return readBlock(page, depth + 1);
  const node = new Scalar(null);
  node.source = "";
  node.range = [at, at, at];
  return { node, value: null };
}

function readList(page: Page, depth: number): Read {
  const { indent, schema } = page;
  const list = new YAMLSeq(schema);
  const items: unknown[] = [];
  const start = page.at;
  while (page.indent === indent && isDash(page)) {
    const end = lineEnd(page);
    const dash = page.at;
    page.at++;
    if (skipBlanks(page, end)) throw UNUSUAL;
    page.indent += page.at - dash;
    const { node, value } = readListItem(page, end, indent, depth);
    list.items.push(node);
    items.push(value);
  }
  if (page.indent > indent) throw UNUSUAL;
  list.range = [start, page.at, page.at];
  return { node: list, value: items };
}

function readListItem(
  page: Page,
  end: number,
  indent: number,
  depth: number,
): Read {
  if (isDash(page)) return readBlock(page, depth + 1);
  const { at } = page;
  const isMap = readKey(page, end) !== null;
  page.at = at;
  return isMap ? readBlock(page, depth + 1) : readOnLine(page, end, indent);
}

/** A value that ends with its line. Text that goes on below is not for us. */
function readOnLine(page: Page, end: number, indent: number): Read {
  const read = readInline(page, end);
  if (page.text[page.at] === "#" || !skipBlanks(page, end)) throw UNUSUAL;
  toContent(page, end + 1);
  if (page.indent > indent) throw UNUSUAL;
  return read;
}

/** Moves over spaces; true where nothing but a comment is left on the line. */
function skipBlanks(page: Page, end: number): boolean {
  const { text } = page;
  const from = page.at;
  while (page.at < end && text[page.at] === " ") page.at++;
  if (page.at >= end) return true;
  return text[page.at] === "#" && page.at > from;
}

/** Moves to the next thing on a line, over blank lines and comments. */
function toContent(page: Page, from: number): void {
  const { text } = page;
  let start = from;
  while (start < text.length) {
    let at = start;
    while (text[at] === " ") at++;
    if (at < text.length && text[at] !== "\n" && text[at] !== "#") {
      page.at = at;
      page.indent = at - start;
      return;
    }
    const newline = text.indexOf("\n", at);
    if (newline < 0) break;
    start = newline + 1;
  }
  page.at = text.length;
  page.indent = -1;
}

function isDash({ text, at }: Page): boolean {
  const after = text[at + 1];
  return text[at] === "-" &&
    (after === " " || after === "\n" || after === undefined);
}

function lineEnd({ text, at }: Page): number {
  const newline = text.indexOf("\n", at);
  return newline < 0 ? text.length : newline;
}

function nextLine({ text }: Page, at: number): number {
  const newline = text.indexOf("\n", at);
  return newline < 0 ? text.length : newline + 1;
}
