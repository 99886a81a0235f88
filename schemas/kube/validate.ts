import type { Static, TSchema } from "typebox";
import { Compile } from "typebox/compile";
import type { TLocalizedValidationError } from "typebox/error";
import { Pointer } from "typebox/value";
import { type FieldPath, FieldProblem, formatPath } from "./field-problem.ts";

/** The longest value that a message repeats. */
const FOUND_MAX_CHARS = 60;

/** A function that keeps the fields of the schema only, or throws `manifest.invalid` at the first wrong one. */
export function createValidator<Schema extends TSchema>(
  schema: Schema,
): (value: unknown, what: string) => Static<Schema> {
  const compiled = Compile(schema);
  return (value, what) => {
    if (!compiled.Check(value)) {
      throw explain(compiled.Errors(value), schema, value, what);
    }
    return compiled.Clean(value) as Static<Schema>;
  };
}

function explain(
  errors: readonly TLocalizedValidationError[],
  schema: TSchema,
  value: unknown,
  what: string,
): FieldProblem {
  const first = errors[0];
  // Of a choice, report the choice and not its first branch.
  const error =
    errors.find((other) =>
      other.keyword === "anyOf" && other.instancePath === first?.instancePath
    ) ?? first;
  if (error === undefined) {
    return new FieldProblem("manifest.invalid", [], `Cannot read ${what}`);
  }
  const path = parsePointer(error.instancePath, value);
  if (error.keyword === "required") {
    path.push(error.params.requiredProperties[0] ?? "");
  }
  return fieldProblem(what, path, valueAt(value, path), wanted(error, schema));
}

/** A mistake at a field: what was found there and what was expected. */
export function fieldProblem(
  what: string,
  path: FieldPath,
  found: unknown,
  expected: string,
): FieldProblem {
  return new FieldProblem(
    "manifest.invalid",
    path,
    `Cannot read ${what}: ${formatPath(path) || "it"} is ${
      describeFound(found)
    }, expected ${expected}`,
  );
}

function wanted(error: TLocalizedValidationError, schema: TSchema): string {
  if (error.keyword === "required") return "a value";
  const at = Pointer.Get(schema, error.schemaPath.slice(1));
  if (hasDescription(at)) return at.description;
  switch (error.keyword) {
    case "type":
      return TYPE_WORDS[String(error.params.type)] ?? error.message;
    case "enum":
      return `one of ${error.params.allowedValues.join(", ")}`;
    case "const":
      return JSON.stringify(error.params.allowedValue);
    default:
      return `a value that ${error.message}`;
  }
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: "a string",
  integer: "a whole number",
  boolean: "true or false",
  object: "a map of fields",
  array: "a list",
};

function hasDescription(at: unknown): at is { description: string } {
  return typeof at === "object" && at !== null && "description" in at &&
    typeof at.description === "string";
}

function describeFound(found: unknown): string {
  if (found === undefined) return "missing";
  if (Array.isArray(found)) return "a list";
  if (typeof found === "object" && found !== null) return "a map of fields";
  const text = JSON.stringify(found);
  return text.length > FOUND_MAX_CHARS
    ? `${text.slice(0, FOUND_MAX_CHARS)}...`
    : text;
}

function parsePointer(pointer: string, value: unknown): (string | number)[] {
  const path: (string | number)[] = [];
  for (const part of pointer.split("/").slice(1)) {
    const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
    path.push(Array.isArray(valueAt(value, path)) ? Number(key) : key);
  }
  return path;
}

function valueAt(value: unknown, path: FieldPath): unknown {
  let at = value;
  for (const part of path) {
    if (typeof at !== "object" || at === null) return undefined;
    at = (at as Record<string | number, unknown>)[part];
  }
  return at;
}
