import { describe, expect, test } from "bun:test";
import { parseLabels, readPage, splitBound } from "./exposition.ts";

function read(page: string, wanted: readonly string[]) {
  const samples: unknown[] = [];
  const garbage = readPage(
    page,
    new Map(wanted.map((name) => [name, name])),
    (name, labels, value) => samples.push([name, labels, value]),
  );
  return { samples, garbage };
}

test("wanted samples are read, with and without labels, time stamps and a last newline", () => {
  const page = `# HELP a Something.
# TYPE a counter
a 1
a{x="1"} 2
a{} 3
b{x="1"} 4
ab 5
a{x="1",y="} 9"} 6e3 1700000000000
a +Inf`;
  expect(read(page, ["a"])).toEqual({
    samples: [
      ["a", "", 1],
      ["a", 'x="1"', 2],
      ["a", "", 3],
      ["a", 'x="1",y="} 9"', 6_000],
      ["a", "", Infinity],
    ],
    garbage: 0,
  });
});

test.each([
  "a",
  "a ",
  "a x",
  'a{x="1" 2',
  'a{x="1"}2',
  `a{x="${"x".repeat(20_000)}"} 1`,
])("%p is garbage, and what follows is read", (line) => {
  const { samples, garbage } = read(`${line.slice(0, 20_100)}\na 7\n`, ["a"]);
  expect({ samples, garbage }).toEqual({ samples: [["a", "", 7]], garbage: 1 });
});

describe("labels", () => {
  test("quotes, backslashes, newlines and braces in values", () => {
    expect(parseLabels(String.raw`a="",b="x\"y\\z\n",c="{},="`)).toEqual({
      a: "",
      b: 'x"y\\z\n',
      c: "{},=",
    });
  });

  test.each(['a="1"b="2"', 'a="1', "a=1", '="1"', 'a-b="1"', ",", 'a="1",,'])(
    "%p is no list of labels",
    (text) => expect(parseLabels(text)).toBeNull(),
  );
});

test("a bound is taken from the end of a bucket's labels", () => {
  expect(splitBound('a="1",le="0.5"')).toEqual({ rest: 'a="1"', bound: 0.5 });
  expect(splitBound('le="+Inf"')).toEqual({ rest: "", bound: Infinity });
  expect(splitBound('role="5"')).toBeNull();
  expect(splitBound('a="1",le="x"')).toBeNull();
});
