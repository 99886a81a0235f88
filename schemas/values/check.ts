import { nearest } from "../nearest.ts";
import { Problem } from "../problem.ts";
import { type Values, ValuesSchema } from "../values.ts";
import { isMap } from "./merge.ts";

/** What of a JSON schema this walk understands: all that values use. */
export interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
}

/** TypeBox's types are finer than a walk needs; what it holds is JSON Schema. */
const VALUES = ValuesSchema as unknown as Schema;

/** The longest value that a message repeats. */
const FOUND_MAX_CHARS = 60;

/**
 * Values that were merged, as a type. Throws `config.invalid` with every key that is unknown, missing or mistyped, what
 * was wanted, and the nearest known key. A whole number where text is wanted becomes text: ports are often given so;
 * a decimal text where a number is wanted becomes one.
 */
export function parseValues(merged: unknown): Values {
  const mistakes: string[] = [];
  const values = walk(merged, VALUES, "", mistakes);
  if (mistakes.length === 0) return values as Values;
  throw new Problem(
    "config.invalid",
    `Cannot use these values, ${mistakes.length} ${
      mistakes.length === 1 ? "mistake" : "mistakes"
    }:\n${mistakes.map((mistake) => `  ${mistake}`).join("\n")}`,
    { hint: "docs/compatibility.md lists every value with its default" },
  );
}

function walk(
  value: unknown,
  schema: Schema,
  path: string,
  mistakes: string[],
): unknown {
  if (schema.properties !== undefined && isMap(value)) {
    return walkFields(value, schema, path, mistakes);
  }
  if (schema.patternProperties !== undefined && isMap(value)) {
    const each = Object.values(schema.patternProperties)[0] ?? {};
    return Object.fromEntries(
      Object.entries(value).map((
        [key, field],
      ) => [key, walk(field, each, joinPath(path, key), mistakes)]),
    );
  }
  if (schema.items !== undefined && Array.isArray(value)) {
    const { items } = schema;
    return value.map((item, at) =>
      walk(item, items, `${path}[${at}]`, mistakes)
    );
  }
  if (schema.type === "string" && Number.isSafeInteger(value)) {
    return walk(String(value), schema, path, mistakes);
  }
  if (schema.type === "number" && isDecimal(value)) return Number(value);
  if (!fits(value, schema)) {
    mistakes.push(`${path}: found ${found(value)}, expected ${wanted(schema)}`);
  }
  return value;
}

function walkFields(
  value: Readonly<Record<string, unknown>>,
  schema: Schema,
  path: string,
  mistakes: string[],
): Record<string, unknown> {
  const { properties = {}, required = [] } = schema;
  const kept: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(value)) {
    const at = joinPath(path, key);
    const known = Object.hasOwn(properties, key) ? properties[key] : undefined;
    if (known !== undefined) kept[key] = walk(field, known, at, mistakes);
    else mistakes.push(`${at}: unknown key${suggest(at)}`);
  }
  for (const key of required) {
    if (Object.hasOwn(value, key)) continue;
    mistakes.push(
      `${joinPath(path, key)}: missing, expected ${
        wanted(properties[key] ?? {})
      }; only keys without a default can be null`,
    );
  }
  return kept;
}

function fits(value: unknown, schema: Schema): boolean {
  if (schema.anyOf !== undefined) {
    return schema.anyOf.some((one) => fits(value, one));
  }
  if (schema.enum !== undefined) return schema.enum.includes(value);
  if (schema.const !== undefined) return value === schema.const;
  switch (schema.type) {
    case undefined:
      return true;
    case "string":
      return typeof value === "string" &&
        (schema.pattern === undefined ||
          new RegExp(schema.pattern).test(value));
    case "integer":
    case "number":
      return typeof value === "number" &&
        (schema.type === "number" || Number.isSafeInteger(value)) &&
        value >= (schema.minimum ?? -Infinity) &&
        value <= (schema.maximum ?? Infinity);
    case "boolean":
      return typeof value === "boolean";
    default:
      // A map or a list, and `walk` was not given one.
      return false;
  }
}

/** How `--set` gives fractions: Helm takes only whole numbers for numbers. */
function isDecimal(value: unknown): value is string {
  return typeof value === "string" && /^\d*\.\d+$/.test(value);
}

function wanted(schema: Schema): string {
  if (schema.description !== undefined) return schema.description;
  if (schema.enum !== undefined) {
    return `one of ${
      schema.enum.map((word) => word === "" ? '""' : String(word)).join(", ")
    }`;
  }
  if (schema.anyOf !== undefined) return schema.anyOf.map(wanted).join(" or ");
  const { type = "", minimum } = schema;
  const from = minimum === undefined ? "" : ` from ${minimum}`;
  return `${TYPE_WORDS[type] ?? type}${from}`;
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: "a string (quote it)",
  integer: "a whole number",
  number: "a number",
  boolean: "true or false",
  object: "a map of keys",
  array: "a list",
};

function found(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (isMap(value)) return "a map of keys";
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > FOUND_MAX_CHARS
    ? `${text.slice(0, FOUND_MAX_CHARS)}...`
    : text;
}

function suggest(path: string): string {
  const known = nearestKey(path, keyPaths(VALUES));
  return known === undefined ? "" : `, the nearest known is ${known}`;
}

/** The known path a mistaken one most likely meant: few letters changed, else the same last key elsewhere. */
function nearestKey(
  path: string,
  known: readonly string[],
): string | undefined {
  const last = lastKey(path);
  const elsewhere = known.filter((one) => lastKey(one) === last);
  return nearest(path, known, path.length / 3) ??
    nearest(path, elsewhere, Infinity);
}

/** Every path of keys a schema knows, `proxy.image.name` and `proxy.image` alike. */
function keyPaths(schema: Schema, prefix = ""): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, inner]) => [
    `${prefix}${key}`,
    ...keyPaths(inner, `${prefix}${key}.`),
  ]);
}

function lastKey(path: string): string {
  return path.slice(path.lastIndexOf(".") + 1).toLowerCase();
}

function joinPath(path: string, key: string): string {
  return path === "" ? key : `${path}.${key}`;
}
