import { expect, test } from "bun:test";
import { describe } from "../../schemas/problem.ts";
import { assign, parseSet, readTyped } from "./set.ts";

/** Values that a text of --set makes of nothing, or of these. */
function set(text: string, values: Record<string, unknown> = {}): unknown {
  return parseSet(text, readTyped).reduce(assign, values);
}

test.each<[string, unknown]>([
  ["a=b", { a: "b" }],
  ["a.b.c=1,d=true", { a: { b: { c: 1 } }, d: true }],
  ["a=0,b=-7,c=007,d=1.5,e=1e3", {
    a: 0,
    b: -7,
    c: "007",
    d: "1.5",
    e: "1e3",
  }],
  ["a=99999999999999999999", { a: "99999999999999999999" }],
  ["a=", { a: "" }],
  ["a={x,2,true}", { a: ["x", 2, true] }],
  ["a={},b=1", { a: [], b: 1 }],
  ["a={x},b=1", { a: ["x"], b: 1 }],
  ["a[0].name=x,a[1].name=y", { a: [{ name: "x" }, { name: "y" }] }],
  ["a[1]=x", { a: [null, "x"] }],
  ["a[0][1]=x", { a: [[null, "x"]] }],
  [String.raw`a=1\,2`, { a: "1,2" }],
  [String.raw`a.kubernetes\.io/os=linux`, {
    a: { "kubernetes.io/os": "linux" },
  }],
  [String.raw`a\=b=c`, { "a=b": "c" }],
  ["a=b=c", { a: "b=c" }],
  ["a=warn\\,linkerd=info", { a: "warn,linkerd=info" }],
  ["__proto__.x=1", JSON.parse('{"__proto__":{"x":1}}')],
])("--set %s", (text, values) => {
  expect(set(text)).toEqual(values);
});

test("null takes a key away, and a place in a list keeps the others", () => {
  const values = { a: { b: 1, c: 2 }, l: ["x", "y"] };
  expect(set("a.b=null,l[1]=z", values)).toEqual({
    a: { c: 2 },
    l: ["x", "z"],
  });
  expect(values).toEqual({ a: { b: 1, c: 2 }, l: ["x", "y"] });
});

test.each([
  ["a", "has no value"],
  ["=b", "a key is empty"],
  ["a..b=c", "a key is empty"],
  ["a={b", "is not closed"],
  ["a={b}c", "follows a list"],
  ["a[x]=1", "is no place in a list"],
  ["a[70000]=1", "is no place in a list"],
  ["a=1,b", "has no value"],
])("--set %s is refused", (text, why) => {
  let said = "";
  try {
    set(text);
  } catch (error) {
    said = describe(error);
  }
  expect(said).toContain(why);
});
