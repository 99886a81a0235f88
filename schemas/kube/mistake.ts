import { type FieldPath, FieldProblem, formatPath } from "./field-problem.ts";
import { describeFound } from "./validate.ts";

/** A rule that an object breaks: where, in one sentence, and what repairs it. */
export interface Mistake {
  readonly path: FieldPath;
  /** `spec.port is 0, expected a whole number from 1 to 65535`. */
  readonly message: string;
  readonly fix: string;
}

/** A mistake at a field: what was found there, what was expected, and what repairs it. */
export function mistake(
  path: FieldPath,
  found: unknown,
  expected: string,
  fix: string,
): Mistake {
  const message = `${formatPath(path)} is ${
    describeFound(found)
  }, expected ${expected}`;
  return { path, message, fix };
}

/** The mistake as an error about the object. */
export function toProblem(
  { path, message, fix }: Mistake,
  what: string,
): FieldProblem {
  return new FieldProblem(
    "manifest.invalid",
    path,
    `Cannot read ${what}: ${message}`,
    { hint: fix },
  );
}
