import { isDeepStrictEqual } from "node:util";
import {
  isMap,
  isNode,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  type YAMLMap,
  type YAMLSeq,
} from "yaml";
import { type Fields, isFields } from "../../install/inject/workload.ts";
import { renderYaml } from "../render.ts";
import {
  columnOf,
  indentLines,
  insertLines,
  lineStart,
  nextLine,
  type Page,
} from "./page.ts";

/** Gathers the changes that make a block map into `to`; false, with none gathered, where its text cannot be changed. */
export function editMap(
  page: Page,
  map: YAMLMap,
  from: Fields,
  to: Fields,
): boolean {
  return orNothing(page, () => {
    const first = keyNode(map.items[0]);
    if (map.flow === true || first === null) return false;
    const column = columnOf(page.text, first.start);
    const seen = new Set<string>();
    for (const pair of map.items) {
      const key = keyNode(pair);
      if (key === null) return false;
      seen.add(key.name);
      const [before, after] = [from[key.name], to[key.name]];
      if (isDeepStrictEqual(before, after)) continue;
      const done = key.name in to
        ? editPair(page, pair, before, after, column)
        : removePair(page, pair);
      if (!done) return false;
    }
    const added = Object.entries(to).filter(([name]) => !seen.has(name));
    if (added.length > 0) {
      const last = map.items.at(-1);
      if (last === undefined) return false;
      const lines = indentLines(
        page,
        renderYaml(Object.fromEntries(added)),
        column,
      );
      insertLines(page, nextLine(page.text, endOfPair(page, last)), lines);
    }
    // A merged field is in the value and not in the text.
    return Object.keys(from).every((name) => seen.has(name));
  });
}

/** Gathers the changes that make a block sequence into `to`: items come and go, none changes its place. */
function editSequence(
  page: Page,
  sequence: YAMLSeq,
  from: readonly unknown[],
  to: readonly unknown[],
): boolean {
  return orNothing(page, () => {
    if (sequence.flow === true || from.length !== sequence.items.length) {
      return false;
    }
    const starts = sequence.items.map((item) => dashOf(page, item));
    const dash = starts[0];
    if (dash === undefined || starts.includes(null) || dash === null) {
      return false;
    }
    const column = columnOf(page.text, dash);
    let at = 0;
    for (const [index, item] of sequence.items.entries()) {
      // Items without names of their own, such as a List's, change where they stand.
      const match = from.length === to.length
        ? index
        : to.findIndex((wanted, place) =>
          place >= at && isSame(from[index], wanted)
        );
      const start = starts[index] ?? 0;
      if (match < 0) {
        removeLines(page, start, endOf(page, item as Node));
        continue;
      }
      insertItems(
        page,
        aboveComments(page, start),
        to.slice(at, match),
        column,
      );
      at = match + 1;
      if (!isDeepStrictEqual(from[index], to[match])) {
        const [before, after] = [from[index], to[match]];
        if (
          !isMap(item) || !isFields(before) || !isFields(after) ||
          !editMap(page, item, before, after)
        ) return false;
      }
    }
    const end = nextLine(page.text, endOf(page, sequence.items.at(-1) as Node));
    insertItems(page, end, to.slice(at), column);
    return true;
  });
}

function editPair(
  page: Page,
  pair: Pair,
  from: unknown,
  to: unknown,
  column: number,
): boolean {
  const { value } = pair;
  if (isMap(value) && isFields(from) && isFields(to) && !isEmpty(to)) {
    if (editMap(page, value, from, to)) return true;
  }
  if (
    isSeq(value) && Array.isArray(from) && Array.isArray(to) && to.length > 0
  ) {
    if (editSequence(page, value, from, to)) return true;
  }
  return rewritePair(page, pair, to, column);
}

/** Writes a field anew; a comment that stood after it on its last line stays. */
function rewritePair(
  page: Page,
  pair: Pair,
  to: unknown,
  column: number,
): boolean {
  const key = keyNode(pair);
  if (key === null) return false;
  const { text, splices } = page;
  const end = endOfPair(page, pair);
  const lines = indentLines(page, renderYaml({ [key.name]: to }), column)
    .slice(column);
  if (text[end - 1] === "\n") {
    splices.push({ start: key.start, end, text: lines });
    return true;
  }
  const firstEnd = lines.indexOf(page.newline);
  splices.push({ start: key.start, end, text: lines.slice(0, firstEnd) });
  const rest = lines.slice(firstEnd + page.newline.length);
  if (rest !== "") insertLines(page, nextLine(text, end), rest);
  return true;
}

function removePair(page: Page, pair: Pair): boolean {
  const key = keyNode(pair);
  if (key === null) return false;
  const start = lineStart(page.text, key.start);
  // In "- name: x" the dash is the item's, not the field's.
  if (page.text.slice(start, key.start).trim() !== "") return false;
  removeLines(page, key.start, endOfPair(page, pair));
  return true;
}

function removeLines(page: Page, from: number, to: number): void {
  const { text, splices } = page;
  splices.push({
    start: lineStart(text, from),
    end: nextLine(text, to),
    text: "",
  });
}

function insertItems(
  page: Page,
  at: number,
  items: readonly unknown[],
  column: number,
): void {
  if (items.length === 0) return;
  insertLines(page, at, indentLines(page, renderYaml(items), column));
}

/** Items are the same when they are equal, or when they have the same name. */
function isSame(one: unknown, other: unknown): boolean {
  if (isFields(one) && isFields(other) && one["name"] !== undefined) {
    return one["name"] === other["name"];
  }
  return isDeepStrictEqual(one, other);
}

/** A plain key and where it stands; null for keys that are no text or carry properties. */
function keyNode(
  pair: Pair | undefined,
):
  | { readonly name: string; readonly start: number; readonly end: number }
  | null {
  const key = pair?.key;
  if (!isScalar(key) || typeof key.value !== "string") return null;
  if (key.anchor !== undefined || key.tag !== undefined || !key.range) {
    return null;
  }
  return { name: key.value, start: key.range[0], end: key.range[1] };
}

/** Where the dash of an item stands, when nothing but spaces is around it. */
function dashOf(page: Page, item: unknown): number | null {
  if (!isNode(item) || !item.range) return null;
  const start = lineStart(page.text, item.range[0]);
  const before = /^( *)-\s+$/.exec(page.text.slice(start, item.range[0]));
  return before?.[1] === undefined ? null : start + before[1].length;
}

/** The start of the comment lines right above a line; they belong to what follows them. */
function aboveComments({ text }: Page, at: number): number {
  let start = lineStart(text, at);
  while (start > 0) {
    const above = lineStart(text, start - 1);
    if (!text.slice(above, start).trimStart().startsWith("#")) break;
    start = above;
  }
  return start;
}

/** Where the last character of a node's own text ends. */
function endOf(page: Page, node: Node): number {
  if (isMap(node) && node.flow !== true) {
    const last = node.items.at(-1);
    if (last !== undefined) return endOfPair(page, last);
  }
  if (isSeq(node) && node.flow !== true) {
    const last = node.items.at(-1);
    if (isNode(last)) return endOf(page, last);
  }
  return node.range?.[1] ?? 0;
}

function endOfPair(page: Page, pair: Pair): number {
  const key = keyNode(pair);
  const colon = key === null ? -1 : page.text.indexOf(":", key.end);
  const { value } = pair;
  if (!isNode(value) || (isScalar(value) && value.source === "")) {
    return colon + 1;
  }
  return Math.max(endOf(page, value), colon + 1);
}

function isEmpty(fields: Fields): boolean {
  return Object.keys(fields).length === 0;
}

/** Takes back what a step gathered when it gives up. */
function orNothing(page: Page, step: () => boolean): boolean {
  const before = page.splices.length;
  if (step()) return true;
  page.splices.length = before;
  return false;
}
