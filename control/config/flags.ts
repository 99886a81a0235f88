import { describe } from "../../schemas/problem.ts";

/** A flag of a program: what it is for, and what holds when it is not given (undefined: it must be given). */
export interface Flag {
  readonly help: string;
  readonly fallback: string | undefined;
  /** A switch: `--flag` alone means `--flag=true`. */
  readonly bare?: boolean;
  /** A second name, where Linkerd's components do not agree on one. */
  readonly alias?: string;
}

export type Flags = Readonly<Record<string, Flag>>;

/** Values of a command line, read one by one; every mistake is noted, and reading goes on. */
export interface FlagReader<Name extends string> {
  /** The flag's value, or its fallback; with a mistake in it, a value that must not be used. */
  readonly read: <T>(name: Name, parse: (text: string) => T) => T;
  /** As `read`, but the flag may be absent and have no fallback, if `needed` is false. */
  readonly text: (name: Name, needed?: boolean) => string;
  readonly fail: (mistake: string) => void;
  readonly mistakes: readonly string[];
}

/** Reads `--name value`, `--name=value` and, as Go does, the same with one dash. */
export function readFlags<Name extends string>(
  argv: readonly string[],
  flags: Readonly<Record<Name, Flag>>,
): FlagReader<Name> {
  const mistakes: string[] = [];
  const given = new Map<string, string>();
  const known = new Map<string, [string, Flag]>();
  for (const [name, flag] of Object.entries<Flag>(flags)) {
    known.set(name, [name, flag]);
    if (flag.alias !== undefined) known.set(flag.alias, [name, flag]);
  }
  const rest = [...argv];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const match = /^--?([a-z][a-z0-9-]*)(?:=(.*))?$/s.exec(word);
    const found = known.get(match?.[1] ?? "");
    if (found === undefined) {
      mistakes.push(`"${word}": not a flag of this program`);
      continue;
    }
    const [name, flag] = found;
    const value = match?.[2] ?? (flag.bare ? "true" : rest.shift());
    if (value === undefined) mistakes.push(`--${name}: expected a value`);
    else if (given.has(name)) mistakes.push(`--${name}: given twice`);
    else given.set(name, value);
  }

  const text = (name: Name, needed = true): string => {
    const value = given.get(name) ?? flags[name].fallback;
    if (value === undefined && needed) {
      mistakes.push(`--${name}: missing; ${flags[name].help}`);
    }
    return value ?? "";
  };
  const read = <T>(name: Name, parse: (text: string) => T): T => {
    const value = text(name);
    try {
      return parse(value);
    } catch (error) {
      mistakes.push(`--${name} "${value}": ${describe(error)}`);
      return parse(flags[name].fallback ?? "");
    }
  };
  return {
    read,
    text,
    fail: (mistake) => void mistakes.push(mistake),
    mistakes,
  };
}

/** A page that lists flags, for `--help`. */
export function formatFlags(flags: Flags): string {
  return Object.entries(flags).map(([name, { help, fallback }]) => {
    const value = fallback === undefined ? "" : ` (default ${fallback})`;
    return `  --${name}\n      ${help}${value}\n`;
  }).join("");
}
