import { expect, test } from "bun:test";
import { idOfObject, parseFile } from "./parse.ts";
import { splitDocuments } from "./split.ts";

const SERVICE = (name: string, port: unknown = 80) =>
  `apiVersion: v1
kind: Service
metadata: {name: ${name}}
spec:
  ports:
  - port: ${port}
`;

const NOTHING_KNOWN = new Map();

test("splitDocuments() parts at markers only, and counts the lines before", () => {
  const cases: [text: string, parts: [string, number][]][] = [
    ["", [["", 0]]],
    ["a: 1\n", [["a: 1\n", 0]]],
    ["---\na: 1\n--- \nb: 2\n", [["---\na: 1\n", 0], ["--- \nb: 2\n", 2]]],
    ["a: |\n  ---\n  x\n---x: 1\n", [["a: |\n  ---\n  x\n---x: 1\n", 0]]],
    ["a: 1\r\n---\r\nb: 2", [["a: 1\r\n", 0], ["---\r\nb: 2", 1]]],
    ["%YAML 1.2\n---\na: 1\n---\nb", [["%YAML 1.2\n---\na: 1\n---\nb", 0]]],
  ];
  for (const [text, parts] of cases) {
    expect(splitDocuments(text).map((part) => [part.text, part.line]))
      .toEqual(parts);
  }
});

test("parseFile() says on which line each object begins", () => {
  const text = `# shop\n${SERVICE("a")}---\n${SERVICE("b")}---
apiVersion: v1
kind: List
items:
- ${JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata: { name: "c" } })}
`;
  const { whole } = parseFile(text, NOTHING_KNOWN);
  expect(
    whole.kind === "good" && whole.objects.map(({ object, line }) => [
      idOfObject(object),
      line,
    ]),
  ).toEqual([
    ["Service default/a", 2],
    ["Service default/b", 9],
    ["Pod default/c", 19],
  ]);
});

test("parseFile() names the line and the field of the first mistake", () => {
  const cases: [text: string, line: number, field: string, says: string][] = [
    [SERVICE("a", 0), 6, "spec.ports[0].port", "is 0, expected a whole number"],
    [
      `${SERVICE("a")}---\n${SERVICE("b", "x")}`,
      13,
      "spec.ports[0].port",
      '"x"',
    ],
    [
      "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n",
      1,
      "spec",
      "missing",
    ],
    ["metadata: {name: a}\n", 1, "apiVersion", "missing"],
    ["just text\n", 1, "apiVersion", "missing"],
    ["a: 1\nb: [2\n", 3, "", "Cannot read YAML"],
    ["a: 1\na: 2\n", 2, "", "Cannot read YAML"],
    [
      "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata:\n    name: 7\n",
      7,
      "items[0].metadata.name",
      "is 7, expected a name",
    ],
    [
      `a: &a [1]\nb: &b [${"*a,".repeat(200)}]\nc: [${"*b,".repeat(200)}]\n`,
      1,
      "",
      "alias",
    ],
    ["[".repeat(20_000), 1, "", "Cannot read YAML"],
  ];
  for (const [text, line, field, says] of cases) {
    const { whole } = parseFile(text, NOTHING_KNOWN);
    if (whole.kind !== "broken") {
      throw new Error(`a fault was expected: ${says}`);
    }
    expect(whole.fault).toMatchObject({ line, field });
    expect(whole.fault.message).toContain(says);
  }
});

test("parseFile() parses again only the documents that changed", () => {
  const first = parseFile(`${SERVICE("a")}---\n${SERVICE("b")}`, NOTHING_KNOWN);
  const again = parseFile(
    `${SERVICE("a")}---\n${SERVICE("c")}---\n${SERVICE("b")}`,
    first.parts,
  );
  const objects = (of: typeof first) =>
    of.whole.kind === "good" ? of.whole.objects : [];
  expect(objects(again)[0]?.object).toBe(objects(first)[0]?.object as never);
  expect(objects(again).map(({ line }) => line)).toEqual([1, 8, 15]);
});
