import type { Entry } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { GLOBAL_FLAGS } from "./global-flags.ts";

/** Where a command line leads. */
export interface Place {
  readonly path: readonly Entry[];
  /** The word that names no command; undefined when there is none left, or the path ends in a command. */
  readonly word: string | undefined;
  /** Where in `rest` that word stands. */
  readonly at: number;
  /** The arguments without the words of the path. */
  readonly rest: readonly string[];
}

/** Follows words through the table of commands, from `path` on. */
export function find(
  args: readonly string[],
  path: readonly Entry[] = [],
): Place {
  const last = path.at(-1);
  if (last !== undefined && !("commands" in last)) {
    return { path, word: undefined, at: 0, rest: args };
  }
  const at = wordAt(args);
  const word = args[at];
  const next = (last?.commands ?? COMMANDS).find(({ name, aliases = [] }) =>
    name === word || aliases.includes(word ?? "")
  );
  return next === undefined
    ? { path, word, at, rest: args }
    : find(args.toSpliced(at, 1), [...path, next]);
}

/** Where the command's name stands: the first argument that is neither a flag nor a flag's value. */
function wordAt(args: readonly string[]): number {
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? "";
    if (!arg.startsWith("-")) return at;
    const flag = GLOBAL_FLAGS.find(({ name, short }) =>
      arg === `--${name}` || arg === `-${short}`
    );
    if (flag !== undefined && flag.kind !== "switch") at++;
  }
  return args.length;
}

/** A path as a person types it. */
export function spell(path: readonly Entry[]): string {
  return ["linkerd", ...path.map(({ name }) => name)].join(" ");
}
