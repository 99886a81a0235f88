import { describe } from "../../schemas/problem.ts";
import { isMap } from "../../schemas/values/merge.ts";
import type { CheckResult } from "./outcome.ts";

/** What an extension found; or why that cannot be told from what it printed. */
export type Report =
  | {
    readonly categories: readonly {
      readonly categoryName: string;
      readonly checks: readonly CheckResult[];
    }[];
  }
  | { readonly error: string; readonly excerpt: string };

/** As much of foreign output as a message repeats, in characters. */
const EXCERPT_MAX = 2_000;
const RESULTS = ["success", "warning", "error"] as const;

/** Reads what `linkerd-<name> check --output=json` prints: one object, in the form that `linkerd check -o json` has. */
export function parseReport(text: string): Report {
  try {
    const report = JSON.parse(text);
    if (!isMap(report)) throw new Error("not a JSON object");
    const categories = listOf(report["categories"], "categories")
      .map((category) => ({
        categoryName: textOf(category, "categoryName"),
        checks: listOf(category["checks"], "checks").map(parseResult),
      }));
    const hasFailed = categories.some(({ checks }) =>
      checks.some(({ result }) => result === "error")
    );
    if (report["success"] !== true && !hasFailed) {
      throw new Error("it says that checks failed, but not which");
    }
    return { categories };
  } catch (error) {
    return { error: describe(error), excerpt: text.slice(0, EXCERPT_MAX) };
  }
}

function parseResult(
  check: Readonly<Record<string, unknown>>,
): CheckResult {
  const result = RESULTS.find((one) => one === check["result"]);
  if (result === undefined) {
    throw new Error(`a check's result is not one of ${RESULTS.join(", ")}`);
  }
  const { hint, error } = check;
  return {
    description: textOf(check, "description"),
    ...(typeof hint === "string" && hint !== "" ? { hint } : {}),
    ...(typeof error === "string" && error !== "" ? { error } : {}),
    result,
  };
}

/** Go prints an empty list as null. */
function listOf(
  value: unknown,
  what: string,
): readonly Readonly<Record<string, unknown>>[] {
  if (value === null) return [];
  if (Array.isArray(value) && value.every(isMap)) return value;
  throw new Error(`${what} is not a list of objects`);
}

function textOf(
  object: Readonly<Record<string, unknown>>,
  key: string,
): string {
  const value = object[key];
  if (typeof value === "string") return value;
  throw new Error(`${key} is not text`);
}
