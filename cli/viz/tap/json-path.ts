import { Problem } from "../../../schemas/problem.ts";
import { isMap } from "../../../schemas/values/merge.ts";

/** A step into a value: to a field, to a place of an array, or to everything in it. */
type Step = string | number | typeof EVERY;

const EVERY = Symbol("*");

/** `.a`, `a`, `.*`, `[0]`, `[*]`, `['a']`, `["a"]`; a dot in a name has a backslash before it. */
const STEP =
  /^(?:\.?(?<name>(?:\\.|[^.[\]{}'"\\\s*])+)|\.?(?<every>\*)|\[(?<index>\d+|\*)\]|\['(?<single>[^']*)'\]|\["(?<double>[^"]*)"\])/;

/** Finds the first value that `a.b`, `.a.b`, `{a.b}` or `{.a.b}` leads to; undefined when there is none. */
export type JsonPath = (value: unknown) => unknown;

/** Reads a path; throws `config.invalid`. */
export function parseJsonPath(text: string): JsonPath {
  const inner = /^\{(.*)\}$/s.exec(text)?.[1] ?? text;
  const steps: Step[] = [];
  for (let rest = inner.replace(/^\$/, ""); rest !== "";) {
    const match = STEP.exec(rest);
    if (match === null) throw unreadable(text, rest);
    steps.push(stepOf(match.groups ?? {}));
    rest = rest.slice(match[0].length);
  }
  if (steps.length === 0) throw unreadable(text, "");
  return (value) => find(value, steps);
}

function stepOf(
  { name, every, index, single, double }: Record<string, string | undefined>,
): Step {
  if (every !== undefined || index === "*") return EVERY;
  if (index !== undefined) return Number(index);
  return name?.replaceAll(/\\(.)/g, "$1") ?? single ?? double ?? "";
}

function find(value: unknown, [step, ...more]: readonly Step[]): unknown {
  if (step === undefined) return value;
  for (const inner of within(value, step)) {
    const found = find(inner, more);
    if (found !== undefined) return found;
  }
  return undefined;
}

function within(value: unknown, step: Step): readonly unknown[] {
  if (step === EVERY) {
    return Array.isArray(value)
      ? value
      : isMap(value)
      ? Object.values(value)
      : [];
  }
  if (typeof step === "number") {
    return Array.isArray(value) && step < value.length ? [value[step]] : [];
  }
  return isMap(value) && Object.hasOwn(value, step) ? [value[step]] : [];
}

function unreadable(text: string, rest: string): Problem {
  return new Problem(
    "config.invalid",
    `Cannot read jsonpath "${text}"${rest === "" ? "" : ` at "${rest}"`}`,
    { hint: "expected a path such as {.requestInitEvent.path}" },
  );
}
