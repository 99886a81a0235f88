import type { World } from "../command.ts";
import { glyph } from "../report.ts";
import type { CheckEvent, CheckResult } from "./outcome.ts";
import { createSpinner } from "./spinner.ts";
import { layOut } from "./wrap.ts";

/** What tells a person, or a program, how a run goes. */
export interface Printer {
  readonly tell: (event: CheckEvent) => void;
  /** All has been told; `success` is the outcome of the whole run. */
  readonly end: (success: boolean) => void;
}

/** Where what belongs to a result begins. */
const INDENT = 4;
const MARKS = {
  success: "ok",
  warning: "warning",
  error: "failure",
} as const;

/** Results as they come, below the title of their category; `short` tells only those that are not well. */
export function createTablePrinter(
  world: World,
  length: "full" | "short",
): Printer {
  const { print } = world;
  const spinner = createSpinner(world);
  let category: string | undefined;
  return {
    tell: (event) => {
      if (event.kind === "busy") return spinner.show(event.text);
      const { result } = event;
      if (length === "short" && result.result === "success") return;
      spinner.hide();
      if (event.category !== category) {
        const gap = category === undefined ? "" : "\n";
        const line = "-".repeat(event.category.length);
        print(`${gap}${event.category}\n${line}\n`);
        category = event.category;
      }
      print(resultText(result, world));
    },
    end: (success) => {
      spinner.hide();
      const gap = category === undefined ? "" : "\n";
      const mark = glyph(success ? "ok" : "failure", world);
      print(`${gap}Status check results are ${mark}\n`);
    },
  };
}

/** One result: mark and description, and below what is wrong and where to read on. */
function resultText(
  { description, error, hint, result }: CheckResult,
  { colour, terminal, columns }: World,
): string {
  const width = terminal ? columns : undefined;
  const [first = "", ...notes] = description.split("\n");
  // Laid out without colour, whose codes have no width.
  const title = layOut(first, 2, width).trimStart();
  const below = [
    ...(notes.length === 0 ? [] : [notes.join("\n")]),
    ...(error === undefined ? [] : [error]),
    ...(hint === undefined ? [] : [hintText(hint, width)]),
  ];
  return `${glyph(MARKS[result], { colour })} ${title}` +
    below.map((text) => layOut(text, INDENT, width)).join("");
}

/** A link that does not fit beside its words stands alone, so that it can be taken as a whole. */
function hintText(hint: string, columns = Infinity): string {
  const text = `see ${hint} for hints`;
  return INDENT + text.length > columns ? `for hints see\n${hint}` : text;
}

/** Everything in one JSON document, once all is known. */
export function createJsonPrinter({ print }: World): Printer {
  const categories: { categoryName: string; checks: CheckResult[] }[] = [];
  return {
    tell: (event) => {
      if (event.kind === "busy") return;
      const last = categories.at(-1);
      if (last?.categoryName === event.category) last.checks.push(event.result);
      else {
        categories.push({
          categoryName: event.category,
          checks: [event.result],
        });
      }
    },
    end: (success) => {
      print(`${JSON.stringify({ success, categories }, null, 2)}\n`);
    },
  };
}
