import { expect, jest, test } from "bun:test";
import type { World } from "../command.ts";
import type { CheckEvent, CheckResult } from "./outcome.ts";
import {
  createJsonPrinter,
  createTablePrinter,
  type Printer,
} from "./printer.ts";
import { layOut } from "./wrap.ts";

function world(more: Partial<World> = {}): World & { readonly said: string[] } {
  const said: string[] = [];
  return {
    env: {},
    colour: false,
    terminal: false,
    print: (text) => void said.push(text),
    readInput: () => Promise.resolve(new Uint8Array()),
    ...more,
    said,
  };
}

function result(category: string, result: CheckResult): CheckEvent {
  return { kind: "result", category, result };
}

const GOOD = result("kubernetes-api", {
  description: "can query",
  result: "success",
});
const BAD = result("linkerd-identity", {
  description: "anchors are valid",
  error: "Invalid anchors:\n\t* 1 root not valid anymore",
  hint: "https://example/#anchors",
  result: "error",
});
const ODD = result("linkerd-identity", {
  description: "issuer is valid",
  error: "soon over",
  hint: "https://example/#issuer",
  result: "warning",
});
const EVENTS: readonly CheckEvent[] = [
  { kind: "busy", text: "can query" },
  GOOD,
  BAD,
  ODD,
];

function tellAll(
  printer: Printer,
  events: readonly CheckEvent[],
  success: boolean,
): void {
  for (const event of events) printer.tell(event);
  printer.end(success);
}

test("a table has a title per category, marks, and errors with where to read on", () => {
  const to = world();
  tellAll(createTablePrinter(to, "full"), EVENTS, false);
  expect(to.said.join("")).toBe(`kubernetes-api
--------------
√ can query

linkerd-identity
----------------
× anchors are valid
    Invalid anchors:
      * 1 root not valid anymore
    see https://example/#anchors for hints
‼ issuer is valid
    soon over
    see https://example/#issuer for hints

Status check results are ×
`);
});

test("short tells only what is not well; when all is, one line", () => {
  const to = world();
  tellAll(createTablePrinter(to, "short"), EVENTS, false);
  expect(to.said.join("")).toStartWith("linkerd-identity\n----------------\n×");
  const well = world();
  tellAll(createTablePrinter(well, "short"), [GOOD], true);
  expect(well.said.join("")).toBe("Status check results are √\n");
});

test("json is one document, with every field where it belongs", () => {
  const to = world();
  tellAll(createJsonPrinter(to), EVENTS, false);
  const text = to.said.join("");
  expect(text).toEndWith("}\n");
  expect(text).toContain('\n  "success": false');
  expect(JSON.parse(text)).toEqual({
    success: false,
    categories: [
      {
        categoryName: "kubernetes-api",
        checks: [{ description: "can query", result: "success" }],
      },
      {
        categoryName: "linkerd-identity",
        checks: [BAD, ODD].map((event) =>
          event.kind === "result" ? event.result : {}
        ),
      },
    ],
  });
});

test("marks are coloured where colour is wanted, and nothing else is", () => {
  const to = world({ colour: true });
  tellAll(createTablePrinter(to, "full"), [GOOD], true);
  const text = to.said.join("");
  expect(text).toContain("\x1b[");
  // deno-lint-ignore no-control-regex
  expect(text.replaceAll(/\x1b\[[0-9;]*m/g, "")).toContain("√ can query\n");
});

test("a terminal shows one line that lives until there is a result", () => {
  jest.useFakeTimers();
  try {
    const to = world({ terminal: true, columns: 20 });
    const printer = createTablePrinter(to, "full");
    printer.tell({
      kind: "busy",
      text: "a very long thing to wait for\nand more",
    });
    jest.advanceTimersByTime(250);
    printer.tell(GOOD);
    jest.advanceTimersByTime(1_000);
    expect(to.said).toEqual([
      "\r\x1b[K| a very long thing",
      "\r\x1b[K/ a very long thing",
      "\r\x1b[K",
      "kubernetes-api\n--------------\n",
      "√ can query\n",
    ]);
    printer.end(true);
  } finally {
    jest.useRealTimers();
  }
});

test("what is quick leaves no trace of a spinner, and a pipe never sees one", () => {
  const quick = world({ terminal: true });
  tellAll(createTablePrinter(quick, "full"), EVENTS, true);
  const pipe = world();
  tellAll(createTablePrinter(pipe, "full"), EVENTS, true);
  expect(quick.said.join("")).toBe(pipe.said.join(""));
});

test("on a narrow terminal a link stands on a line of its own, in a pipe it never does", () => {
  const narrow = world({ terminal: true, columns: 40 });
  tellAll(createTablePrinter(narrow, "full"), [BAD], false);
  expect(narrow.said.join("")).toContain(
    "\n    for hints see\n    https://example/#anchors\n",
  );
  const pipe = world({ columns: 40 });
  tellAll(createTablePrinter(pipe, "full"), [BAD], false);
  expect(pipe.said.join("")).toContain(
    "\n    see https://example/#anchors for hints\n",
  );
});

test("layOut() breaks long lines between words, below their own text", () => {
  const text = `the first line is rather a long one\n\t* ${
    "an item of a list ".repeat(3).trim()
  }`;
  expect(layOut(text, 4, 40)).toBe(`    the first line is rather a long one
      * an item of a list an item of a
        list an item of a list
`);
  const link = `https://example.com/${"x".repeat(60)}`;
  expect(layOut(`see ${link} for hints`, 4, 40)).toBe(
    `    see\n    ${link}\n    for hints\n`,
  );
  expect(layOut(text, 4, undefined).split("\n")).toHaveLength(3);
});
