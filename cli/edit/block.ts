import { isDeepStrictEqual } from "node:util";
import { isMap, isSeq, type Pair, type YAMLMap, type YAMLSeq } from "yaml";
import { type Fields, isFields } from "../../install/inject/workload.ts";
import { aboveComments, dashOf, endOf, endOfPair, keyNode } from "./extent.ts";
import {
  columnOf,
  insertLines,
  lineStart,
  nextLine,
  type Page,
  removeLines,
  renderLines,
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
      const lines = renderLines(page, Object.fromEntries(added), column);
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
    const { flow, items } = sequence;
    const dashes = items.map((item) => dashOf(page, item))
      .filter((dash) => dash !== null);
    const [first] = dashes;
    if (
      flow === true || first === undefined || dashes.length < items.length ||
      from.length !== items.length
    ) return false;
    const column = columnOf(page.text, first);
    const places = placesOf(from, to);
    let written = 0;
    for (const [index, item] of items.entries()) {
      const dash = dashes[index] ?? first;
      const place = places[index] ?? null;
      if (place === null) {
        removeLines(page, dash, endOf(page, item));
        continue;
      }
      const added = to.slice(written, place);
      insertItems(page, aboveComments(page, dash), added, column);
      written = place + 1;
      if (!editItem(page, item, from[index], to[place])) return false;
    }
    const end = nextLine(page.text, endOf(page, items.at(-1)));
    insertItems(page, end, to.slice(written), column);
    return true;
  });
}

/** Where each item is in `to`, in the order that they have; null when it is not there any more. */
function placesOf(
  from: readonly unknown[],
  to: readonly unknown[],
): (number | null)[] {
  // Items without names of their own, such as a List's, change where they stand.
  if (from.length === to.length) return from.map((_, index) => index);
  let next = 0;
  return from.map((item) => {
    const found = to.findIndex((wanted, place) =>
      place >= next && isSame(item, wanted)
    );
    if (found < 0) return null;
    next = found + 1;
    return found;
  });
}

function editItem(
  page: Page,
  item: unknown,
  from: unknown,
  to: unknown,
): boolean {
  return isDeepStrictEqual(from, to) ||
    (isMap(item) && isFields(from) && isFields(to) &&
      editMap(page, item, from, to));
}

function insertItems(
  page: Page,
  at: number,
  items: readonly unknown[],
  column: number,
): void {
  if (items.length > 0) insertLines(page, at, renderLines(page, items, column));
}

/** Items are the same when they are equal, or when they have the same name. */
function isSame(one: unknown, other: unknown): boolean {
  if (isFields(one) && isFields(other) && one["name"] !== undefined) {
    return one["name"] === other["name"];
  }
  return isDeepStrictEqual(one, other);
}

function editPair(
  page: Page,
  pair: Pair,
  from: unknown,
  to: unknown,
  column: number,
): boolean {
  const { value } = pair;
  if (
    isMap(value) && isFields(from) && isFields(to) && Object.keys(to).length > 0
  ) {
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
  const lines = renderLines(page, { [key.name]: to }, column).slice(column);
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

/** Takes back what a step gathered when it gives up. */
function orNothing(page: Page, step: () => boolean): boolean {
  const before = page.splices.length;
  if (step()) return true;
  page.splices.length = before;
  return false;
}
