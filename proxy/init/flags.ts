import { parseArgs } from "node:util";

/** What a program accepts on its command line: a flag takes text, or is a switch that is on, or off by `=false`. */
export type FlagTable = Readonly<
  Record<
    string,
    { readonly type: "string" | "boolean"; readonly short?: string }
  >
>;

/** What was given: the texts of each flag in order (a switch gives "true" or "false"), and what could not be read. */
export interface Flags {
  readonly texts: ReadonlyMap<string, readonly string[]>;
  readonly problems: readonly string[];
}

/**
 * Reads a command line as Go programs do (`--name value`, `--name=value`, `-n value`, `-n=value`, values that begin
 * with a dash), because manifests written for Linkerd's programs carry over. Collects every mistake.
 */
export function readFlags(argv: readonly string[], table: FlagTable): Flags {
  const texts = new Map<string, string[]>();
  const problems: string[] = [];
  const { tokens } = parseArgs({
    args: [...argv],
    options: table,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  for (const token of tokens) {
    if (token.kind === "positional") {
      problems.push(`unexpected "${token.value}": expected only flags`);
    }
    if (token.kind !== "option") continue;
    const flag = table[token.name];
    if (flag === undefined) {
      problems.push(`unknown flag ${token.rawName}`);
      continue;
    }
    const text = token.value?.replace(/^=/, "") ??
      (flag.type === "boolean" ? "true" : undefined);
    if (text === undefined) {
      problems.push(`${token.rawName} needs a value`);
    } else if (flag.type === "boolean" && !/^(true|false)$/.test(text)) {
      problems.push(
        `${token.rawName} is "${text}": expected true or false`,
      );
    } else {
      texts.set(token.name, [...texts.get(token.name) ?? [], text]);
    }
  }
  return { texts, problems };
}
