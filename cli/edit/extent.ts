import { isMap, isNode, isScalar, isSeq, type Pair } from "yaml";
import { lineStart, type Page } from "./page.ts";

/** A plain key and where it stands; null for keys that are no text or carry properties. */
export function keyNode(
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
export function dashOf(page: Page, item: unknown): number | null {
  if (!isNode(item) || !item.range) return null;
  const start = lineStart(page.text, item.range[0]);
  const before = /^( *)-\s+$/.exec(page.text.slice(start, item.range[0]));
  return before?.[1] === undefined ? null : start + before[1].length;
}

/** The start of the comment lines right above a line; they belong to what follows them. */
export function aboveComments({ text }: Page, at: number): number {
  let start = lineStart(text, at);
  while (start > 0) {
    const above = lineStart(text, start - 1);
    if (!text.slice(above, start).trimStart().startsWith("#")) break;
    start = above;
  }
  return start;
}

/** Where the last character of a node's own text ends. */
export function endOf(page: Page, node: unknown): number {
  if (isMap(node) && node.flow !== true) {
    const last = node.items.at(-1);
    if (last !== undefined) return endOfPair(page, last);
  }
  if (isSeq(node) && node.flow !== true) {
    const last = node.items.at(-1);
    if (isNode(last)) return endOf(page, last);
  }
  return isNode(node) ? node.range?.[1] ?? 0 : 0;
}

/** The same of a field; after its colon when it has no value. */
export function endOfPair(page: Page, pair: Pair): number {
  const key = keyNode(pair);
  const colon = key === null ? -1 : page.text.indexOf(":", key.end);
  const { value } = pair;
  if (!isNode(value) || (isScalar(value) && value.source === "")) {
    return colon + 1;
  }
  return Math.max(endOf(page, value), colon + 1);
}
