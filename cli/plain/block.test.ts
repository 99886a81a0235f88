// Whatever the plain reader reads must be what yaml reads: value, order and positions.
import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { isMap, isScalar, isSeq } from "yaml";
import { parseWhole, SCHEMA } from "../document.ts";
import { type Part, splitDocuments } from "../manifest.ts";
import { readPlainDocument } from "./block.ts";

const FOLDERS = ["../../install/testdata", "../install/testdata"];
const SAMPLES = FOLDERS.flatMap((folder) => {
  const path = `${import.meta.dir}/${folder}`;
  return readdirSync(path).filter((name) => name.endsWith(".yml"))
    // Custom resources are long, and nothing in them is special.
    .filter((name) => !name.startsWith("crds"))
    .flatMap((name) =>
      splitDocuments({
        name,
        text: readFileSync(`${path}/${name}`, "utf8"),
      }).map(({ text }) => text)
    );
});

/** How many changed manifests are compared; `PLAIN_ROUNDS` for more. */
const ROUNDS = Number(process.env["PLAIN_ROUNDS"] ?? 3_000);

function part(text: string): Part {
  return { source: "test", number: 1, line: 0, text };
}

/** A node as text: what it is, where it stands, what is in it. */
function outline(node: unknown): string {
  if (isScalar(node)) {
    // Where nothing is, every place is as good.
    if (node.source === "") return "nothing";
    return `${node.range?.slice(0, 2)}:${JSON.stringify(node.value)}`;
  }
  if (isSeq(node)) {
    const place = node.flow === true ? node.range?.slice(0, 2) : "block";
    return `${place}[${node.items.map(outline)}]`;
  }
  if (isMap(node)) {
    const place = node.flow === true ? node.range?.slice(0, 2) : "block";
    const pairs = node.items.map(({ key, value }) =>
      `${outline(key)}=${outline(value)}`
    );
    return `${place}{${pairs}}`;
  }
  return String(node);
}

/** Compares both readers; whether the plain one read the text at all. */
function compare(text: string): boolean {
  const plain = readPlainDocument(text, SCHEMA);
  if (plain === null) return false;
  const whole = parseWhole(part(text));
  expect(JSON.stringify(plain.value)).toBe(JSON.stringify(whole.value));
  expect(outline(plain.node)).toBe(outline(whole.tree));
  return true;
}

/** A generator of numbers below `limit`, the same for each seed (mulberry32). */
function numbers(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

/** The same as JSON, in one of the ways it is written. */
function toJson(text: string, below: (limit: number) => number): string {
  return JSON.stringify(parseWhole(part(text)).value, null, below(3));
}

/** What makes YAML YAML, and what looks like more than text. */
const PIECES = [
  ..."-?:,[]{}#&*!|>%@`\"'\\~<=/. \n0ayN\u00a0\u2028é",
  ...["- ", ": ", " #", "\n  ", "\n- ", "---", "...", "<<: ", "''", "\n\n"],
  ...[
    "yes",
    "Off",
    "null",
    "0x1f",
    "017",
    "0b1",
    "1_000",
    "1e3",
    ".5",
    "-.inf",
  ],
  ...["{}", "[]", "{a: b}", "[a, b]", "{a: b, }", "[a,]", "{a}", "[a: b]"],
  ...["12:30", "2024-01-01", "+1", "9007199254740993", "\\u0041", "\\x41"],
];

function mutate(text: string, below: (limit: number) => number): string {
  const at = below(text.length + 1);
  const piece = PIECES[below(PIECES.length)] ?? "";
  switch (below(4)) {
    case 0:
      return text.slice(0, at) + text.slice(at + 1 + below(4));
    case 1: {
      const lines = text.split("\n");
      const line = below(lines.length);
      const moved = lines.splice(line, 1)[0] ?? "";
      lines.splice(below(lines.length + 1), 0, moved);
      return lines.join("\n");
    }
    case 2: {
      // A whole value, where one may stand.
      const colon = text.indexOf(": ", at);
      const end = text.indexOf("\n", colon);
      return colon < 0
        ? text
        : `${text.slice(0, colon + 2)}${piece}${text.slice(end)}`;
    }
    default:
      return text.slice(0, at) + piece + text.slice(at);
  }
}

test("manifests as the world writes them are read as yaml reads them, and nearly all are plain", () => {
  const plain = SAMPLES.filter(compare);
  expect(plain.length / SAMPLES.length).toBeGreaterThan(0.7);
});

test(
  "manifests with anything changed in them are read as yaml reads them, or left to it",
  () => {
    const short = SAMPLES.filter(({ length }) => length < 2_000);
    const below = numbers(94);
    let read = 0;
    for (let round = 0; round < ROUNDS; round++) {
      let text = short[below(short.length)] ?? "";
      if (below(4) === 0) text = toJson(text, below);
      for (let changes = 1 + below(3); changes > 0; changes--) {
        text = mutate(text, below);
      }
      try {
        if (compare(text)) read++;
      } catch (cause) {
        throw new Error(`round ${round}: ${JSON.stringify(text)}`, { cause });
      }
    }
    // Else nothing was compared.
    expect(read).toBeGreaterThan(ROUNDS / 4);
  },
  60_000,
);

test.each([
  "a:\n- b\n- c: d\n  e:\n  - f\ng:\n",
  "- - a\n  - b\n-   c: d\n    e: f\n- {a: [b, {c: 'd'}], e: \"f\"}\n",
  "# c\n\n---\n# d\na: b # e\n  # f\n\n\nc: d",
  "a: http://x:80/y#z\nb: -1\nc: --flag=x\nd: \"\\u00e9\\n\"\ne: ''\nf: 'x: y'\n",
  "on-time: 1.27\nyes-man: 0x1f\n\"a b\": ~\n'c': 0.50\nd: 1e3\ne: 0777\n",
])("%j is plain, and read as yaml reads it", (text) => {
  expect(compare(text)).toBe(true);
});

test.each([
  "a: |\n  b\n",
  "a: &b c\n",
  "a: b\n  c\n",
  "a: b\na: c\n",
  "a:\tb\n",
  "a: b\r\n",
  "<<: {a: b}\n",
  "yes: a\n",
  "a: [b,\n  c]\n",
  "a: 'b\n  c'\n",
  "a: b: c\n",
  "a:\n    b: c\n  d: e\n",
  "a: {b: c, b: d}\n",
  "__proto__: a\n",
  '{"a": "b\n  c"}',
  '{"a": 1, "a": 2}',
  '{"a": 1} b',
  '{"a": 1, // b\n}',
  `{"${"a".repeat(2_000)}": 1}`,
  "",
  "# a\n",
  "a\n",
])("%j is left to yaml", (text) => {
  expect(readPlainDocument(text, SCHEMA)).toBeNull();
});
