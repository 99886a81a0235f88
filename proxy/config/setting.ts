import type { Form } from "./forms.ts";

/** Environment variables: name to text. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Where settings are read from, and where their mistakes and warnings gather. */
export interface Source {
  readonly env: Environment;
  /** One line each: variable, what was found, what was expected. */
  readonly mistakes: string[];
  readonly warnings: string[];
}

/** Reads one value, or a whole section of them, from a source. Never throws: what is wrong goes to `mistakes`. */
export type Setting<T> = (source: Source) => T;

/** One setting per field: a section of the configuration as a table. */
export type Table<T> = { readonly [Field in keyof T]: Setting<T[Field]> };

/** All variables of ours begin so. */
const PREFIX = "LINKERD2_PROXY_";

/** The full name of a variable, `LINKERD2_PROXY_<name>`. */
export function variable(name: string): string {
  return PREFIX + name;
}

/** The text of a variable without surrounding space (manifests end JSON and PEM in a line feed); empty is unset. */
export function readText(source: Source, name: string): string | null {
  const text = source.env[variable(name)]?.trim();
  return text === undefined || text === "" ? null : text;
}

/** A setting that may be absent. */
export function optional<T, F>(
  name: string,
  form: Form<T>,
  fallback: F,
): Setting<T | F> {
  return (source) => {
    const text = readText(source, name);
    if (text === null) return fallback;
    const value = form.parse(text);
    if (value !== null) return value;
    const found = form.secret === true
      ? `${text.length} characters`
      : `"${shorten(text)}"`;
    source.mistakes.push(
      `${variable(name)} is ${found}, expected ${form.expected}`,
    );
    return fallback;
  };
}

/** A setting that must be there; `placeholder` only stands in until all mistakes are reported. */
export function required<T>(
  name: string,
  form: Form<T>,
  placeholder: T,
): Setting<T> {
  const read = optional(name, form, placeholder);
  return (source) => {
    if (readText(source, name) === null) {
      source.mistakes.push(
        `${variable(name)} is not set, expected ${form.expected}`,
      );
    }
    return read(source);
  };
}

/** A section: every field read by its own setting. */
export function section<T extends object>(table: Table<T>): Setting<T> {
  return (source) => {
    const result: Partial<T> = {};
    for (const field of Object.keys(table) as (keyof T)[]) {
      result[field] = table[field](source);
    }
    return result as T;
  };
}

/** A setting seen through `change`, which may add mistakes and warnings of its own. */
export function refine<T, U>(
  setting: Setting<T>,
  change: (value: T, source: Source) => U,
): Setting<U> {
  return (source) => change(setting(source), source);
}

/** Characters of a wrong value shown: enough to recognise it. */
const SHOWN_MAX = 120;

function shorten(text: string): string {
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}...` : text;
}
