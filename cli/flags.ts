import { Problem } from "../schemas/problem.ts";
import type { Flag } from "./command.ts";

/** What a person typed, read by the table of flags. */
export interface Given {
  readonly words: readonly string[];
  /** Whether the flag was typed at all. */
  readonly has: (name: string) => boolean;
  /** Whether a switch is on. */
  readonly on: (name: string) => boolean;
  /** The last value of a flag. */
  readonly text: (name: string) => string | undefined;
  /** All values of a list, in order. */
  readonly list: (name: string) => readonly string[];
  /** Flags that have a successor, as typed. */
  readonly deprecated: readonly Flag[];
}

/** Go's words for true and false, which switches take after `=`. */
const TRUE = ["1", "t", "T", "TRUE", "true", "True"];
const FALSE = ["0", "f", "F", "FALSE", "false", "False"];

/**
 * Reads words and flags the way users of Go tools write them: `--flag value`, `--flag=value`, `-f value`, `-fvalue`,
 * `--switch=false`, `-` for standard input, `--` to end flags. A value may begin with a dash and is never taken for a
 * number: `--proxy-version 1.10` stays 1.10. Throws `config.invalid` on an unknown flag or a missing value.
 */
export function parseFlags(
  args: readonly string[],
  flags: readonly Flag[],
): Given {
  const words: string[] = [];
  const values = new Map<string, string[]>();
  const deprecated: Flag[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? "";
    if (arg === "--") {
      words.push(...args.slice(at + 1));
      break;
    }
    if (arg === "-" || !arg.startsWith("-")) {
      words.push(arg);
      continue;
    }
    const { flag, typed, value: inline } = find(arg, flags);
    if (flag.replacedBy !== undefined) deprecated.push(flag);
    let value = inline;
    if (flag.kind === "switch") value = readSwitch(typed, inline ?? "true");
    else if (value === undefined) {
      value = args[++at];
      if (value === undefined) {
        throw new Problem("config.invalid", `flag needs an argument: ${typed}`);
      }
    }
    const name = flag.replacedBy ?? flag.name;
    const all = values.get(name) ?? [];
    all.push(...(flag.kind === "list" ? value.split(",") : [value]));
    values.set(name, all);
  }
  return {
    words,
    has: (name) => values.has(name),
    on: (name) => values.get(name)?.at(-1) === "true",
    text: (name) => values.get(name)?.at(-1),
    list: (name) => values.get(name) ?? [],
    deprecated,
  };
}

/** The flag that an argument names, and the value inside the same argument if it has one. */
function find(
  arg: string,
  flags: readonly Flag[],
): { flag: Flag; typed: string; value: string | undefined } {
  if (arg.startsWith("--")) {
    const equals = arg.indexOf("=");
    const typed = equals < 0 ? arg : arg.slice(0, equals);
    const flag = flags.find(({ name }) => typed === `--${name}`);
    if (flag === undefined) throw unknown(typed);
    return {
      flag,
      typed,
      value: equals < 0 ? undefined : arg.slice(equals + 1),
    };
  }
  const typed = arg.slice(0, 2);
  const flag = flags.find(({ short }) => typed === `-${short}`);
  if (flag === undefined) throw unknown(typed);
  const rest = arg.slice(2).replace(/^=/, "");
  return { flag, typed, value: arg.length === 2 ? undefined : rest };
}

function unknown(typed: string): Problem {
  return new Problem(
    "config.invalid",
    typed.startsWith("--")
      ? `unknown flag: ${typed}`
      : `unknown shorthand flag: ${typed}`,
  );
}

function readSwitch(typed: string, value: string): string {
  if (TRUE.includes(value)) return "true";
  if (FALSE.includes(value)) return "false";
  throw new Problem(
    "config.invalid",
    `invalid argument "${value}" for "${typed}": expected true or false`,
  );
}
