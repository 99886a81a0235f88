import { Problem } from "../../schemas/problem.ts";
import { isMap } from "../../schemas/values/merge.ts";
import type { Overrides } from "../../schemas/values.ts";

/** One thing that `--set` says: a path of keys and places in lists, and what is to be there; null takes it away. */
export interface Assignment {
  readonly path: readonly (string | number)[];
  readonly value: unknown;
}

/** The longest list that a place in it may make, as Helm's. */
const INDEX_MAX = 65_536;

/**
 * Reads `a.b=1,c[0].d=x,e={y,z}` as Helm does: `\` before a comma, dot, bracket or equals sign makes it plain text, and
 * `read` says what a text means. Throws `config.invalid` with the part that cannot be read.
 */
export function parseSet(
  text: string,
  read: (raw: string) => unknown,
): Assignment[] {
  const assignments: Assignment[] = [];
  let at = 0;
  while (at < text.length) {
    const key = readKey(text, at);
    at = key.next;
    if (text[at] === "{") {
      const list = readList(text, at + 1);
      assignments.push({ path: key.path, value: list.items.map(read) });
      at = list.next;
    } else {
      const value = readText(text, at, ",");
      assignments.push({ path: key.path, value: read(value.text) });
      at = value.next + 1;
    }
  }
  return assignments;
}

/** What `--set` takes a text for: true, false, null, a whole number, or itself (Helm's typing). */
export function readTyped(raw: string): unknown {
  switch (raw) {
    case "true":
      return true;
    case "false":
      return false;
    case "null":
      return null;
  }
  const isWhole = /^(0|-?[1-9][0-9]*)$/.test(raw);
  return isWhole && Number.isSafeInteger(Number(raw)) ? Number(raw) : raw;
}

/** Values with one assignment more; what is not on its path is shared with the values given. */
export function assign(values: Overrides, assignment: Assignment): Overrides {
  return put(values, assignment.path, assignment.value) as Overrides;
}

function put(
  under: unknown,
  [step, ...rest]: readonly (string | number)[],
  value: unknown,
): unknown {
  if (step === undefined) return value;
  if (typeof step === "number") {
    const list = Array.isArray(under) ? [...under] : [];
    while (list.length < step) list.push(null);
    list[step] = put(list[step], rest, value);
    return list;
  }
  const map = new Map(isMap(under) ? Object.entries(under) : []);
  if (rest.length === 0 && value === null) map.delete(step);
  else map.set(step, put(map.get(step), rest, value));
  return Object.fromEntries(map);
}

/** A path up to its equals sign. */
function readKey(
  text: string,
  from: number,
): { readonly path: (string | number)[]; readonly next: number } {
  const path: (string | number)[] = [];
  let at = from;
  while (true) {
    const key = readText(text, at, ".[=,");
    if (key.text === "") throw unreadable(text, from, "a key is empty");
    path.push(key.text);
    at = key.next;
    while (text[at] === "[") {
      const end = text.indexOf("]", at);
      const index = text.slice(at + 1, end < 0 ? undefined : end);
      if (end < 0 || !/^\d+$/.test(index) || Number(index) > INDEX_MAX) {
        throw unreadable(
          text,
          from,
          `"[${index}" is no place in a list, expected [0] to [${INDEX_MAX}]`,
        );
      }
      path.push(Number(index));
      at = end + 1;
    }
    if (text[at] === "=") return { path, next: at + 1 };
    if (text[at] !== ".") {
      throw unreadable(text, from, "it has no value, expected key=value");
    }
    at++;
  }
}

/** The items of `{a,b}` after its brace, up to the next assignment. */
function readList(
  text: string,
  from: number,
): { readonly items: string[]; readonly next: number } {
  const items: string[] = [];
  let at = from;
  while (true) {
    const item = readText(text, at, ",}");
    if (item.next >= text.length) {
      throw unreadable(text, from - 1, "a list is not closed, expected }");
    }
    const isOnly = text[item.next] === "}" && items.length === 0;
    if (item.text !== "" || !isOnly) items.push(item.text);
    at = item.next + 1;
    if (text[item.next] === "}") break;
  }
  if (at < text.length && text[at] !== ",") {
    throw unreadable(text, at, "something follows a list, expected a comma");
  }
  return { items, next: at + 1 };
}

/** Text up to one of the characters that end it, without its backslashes. */
function readText(
  text: string,
  from: number,
  ends: string,
): { readonly text: string; readonly next: number } {
  let plain = "";
  let at = from;
  for (; at < text.length; at++) {
    const character = text[at] ?? "";
    if (character === "\\" && at + 1 < text.length) plain += text[++at];
    else if (ends.includes(character)) break;
    else plain += character;
  }
  return { text: plain, next: at };
}

function unreadable(text: string, from: number, why: string): Problem {
  return new Problem(
    "config.invalid",
    `Cannot read --set "${text}": at "${text.slice(from)}" ${why}`,
    { hint: "write key.inner=value,list[0]=value,other={a,b}" },
  );
}
