import type { Labels } from "./readings.ts";

/** Longer lines than this are garbage: Linkerd's longest label sets have about 1,500 characters. */
const MAX_LINE = 16_384;

/**
 * Calls with each sample of a page in Prometheus' text format whose name is wanted (that of a bucket with `_bucket`): what
 * it is wanted as, for a part of the page would keep all of it in memory, and its
 * labels as they stand between the braces. Returns how many lines could not be read.
 */
export function readPage<W>(
  page: string,
  wanted: ReadonlyMap<string, W>,
  take: (name: W, labels: string, value: number) => void,
): number {
  let garbage = 0;
  for (let start = 0; start < page.length;) {
    let end = page.indexOf("\n", start);
    if (end < 0) end = page.length;
    const from = start;
    start = end + 1;
    if (end === from || page.charCodeAt(from) === HASH) continue;
    if (end - from > MAX_LINE) {
      garbage++;
      continue;
    }
    const name = nameAt(page, from, end);
    const found = wanted.get(name);
    if (found === undefined) continue;
    const after = from + name.length;
    const open = page.charCodeAt(after) === BRACE;
    const close = open ? closeOf(page, after, end) : after - 1;
    const isBroken = open && close <= after;
    const value = isBroken ? NaN : numberIn(page, close + 2, end);
    if (Number.isNaN(value)) garbage++;
    else take(found, open ? page.slice(after + 1, close) : "", value);
  }
  return garbage;
}

const HASH = 35;

/** A metric name ends at a brace or a blank. */
function nameAt(page: string, from: number, end: number): string {
  for (let at = from; at < end; at++) {
    const code = page.charCodeAt(at);
    if (code === BRACE || code === BLANK) return page.slice(from, at);
  }
  return page.slice(from, end);
}

/**
 * Where labels end: at the last brace before a blank, as behind it are numbers only, and in a label's value there may be
 * braces. `after` when nowhere. Not by `lastIndexOf`, which would look through the whole page, for each line of a bad one.
 */
function closeOf(page: string, after: number, end: number): number {
  let at = end - 2;
  while (
    at > after &&
    (page.charCodeAt(at) !== CLOSE || page.charCodeAt(at + 1) !== BLANK)
  ) at--;
  return at;
}

const BRACE = 123;
const CLOSE = 125;
const BLANK = 32;

/** The first word there; a time stamp may follow. */
function numberIn(page: string, from: number, end: number): number {
  const rest = page.slice(from, end);
  const blank = rest.indexOf(" ");
  const word = blank < 0 ? rest : rest.slice(0, blank);
  if (word === "+Inf") return Infinity;
  return word === "" ? NaN : Number(word);
}

/** Label text to labels; null when it is not a list of names and quoted values. */
export function parseLabels(text: string): Labels | null {
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const match = LABEL.exec(text);
    if (match === null) return null;
    const [, name = "", value = ""] = match;
    labels[name] = shared(value.includes("\\") ? unescape(value) : value);
  }
  return labels;
}

const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"(?:,|$)/gy;

/** Values that many series have, each kept once: of the same few names, a thousand pods say a hundred thousand. */
const known = new Map<string, string>();
const MAX_KNOWN = 20_000;
/** Longer ones are nobody's name. */
const MAX_SHARED = 256;

/** The same text, of which there is one. */
function shared(value: string): string {
  const one = known.get(value);
  if (one !== undefined) return one;
  if (value.length > MAX_SHARED) return value;
  // Or a single pod that makes values up would end the sharing, for all and for good.
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(value, value);
  return value;
}

function unescape(value: string): string {
  return value.replace(
    /\\(.)/g,
    (_, mark: string) => mark === "n" ? "\n" : mark,
  );
}

/** Takes `le` out of a bucket's labels: proxies write it last. */
export function splitBound(
  labels: string,
): { readonly rest: string; readonly bound: number } | null {
  const match = BOUND.exec(labels);
  if (match === null) return null;
  const [all, text = ""] = match;
  const bound = text === "+Inf" ? Infinity : Number(text);
  return Number.isNaN(bound)
    ? null
    : { rest: labels.slice(0, labels.length - all.length), bound };
}

const BOUND = /(?:^|,)le="([^"]+)"$/;
