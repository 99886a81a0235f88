import { type CAC, cac } from "cac";
import { Problem } from "../schemas/problem.ts";
import type { Command, Flag, Outcome, World } from "./command.ts";
import { completion } from "./commands/completion.ts";
import { inject } from "./commands/inject.ts";
import { install } from "./commands/install.ts";
import { uninject } from "./commands/uninject.ts";
import { version } from "./commands/version.ts";
import { type Given, parseFlags } from "./flags.ts";
import { nearest } from "./nearest.ts";
import { findPlugin } from "./plugin.ts";

/** Every verb, in the order of help. What a verb needs beyond its flags it loads when it runs. */
export const COMMANDS: readonly Command[] = [
  completion,
  inject,
  install,
  uninject,
  version,
];

/** Flags that every command takes. */
export const GLOBAL_FLAGS: readonly Flag[] = [
  {
    name: "linkerd-namespace",
    short: "L",
    kind: "text",
    about: "The control plane's namespace",
    otherwise: "linkerd",
  },
  { name: "verbose", kind: "switch", about: "Say more on standard error" },
  { name: "help", short: "h", kind: "switch", about: "Show this help" },
];

/** What a command line comes to: something said, help to show, or another program to run in our place. */
export type Result =
  | Outcome
  | { readonly help: () => void }
  | { readonly plugin: string; readonly args: readonly string[] };

/** Runs one command line; the caller prints. */
export async function run(
  args: readonly string[],
  world: World,
): Promise<Result> {
  const at = wordAt(args);
  const word = args[at];
  if (word === undefined) return { help: () => show(undefined) };
  if (word === "help") return { help: () => show(args[at + 1]) };
  const command = COMMANDS.find(({ name }) => name === word);
  if (command === undefined) return await runUnknown(word, args, at, world);
  const own = args.toSpliced(at, 1);
  try {
    const given = parseFlags(own, [...command.flags, ...GLOBAL_FLAGS]);
    if (given.on("help")) return { help: () => show(command.name) };
    const surplus = given.words[command.maxWords];
    if (surplus !== undefined) {
      throw new Problem(
        "config.invalid",
        `unexpected argument "${surplus}" for "linkerd ${command.name}"`,
      );
    }
    return warned(given, await command.run(given, world));
  } catch (thrown) {
    if (!(thrown instanceof Problem)) throw thrown;
    return refused(command, thrown);
  }
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

async function runUnknown(
  word: string,
  args: readonly string[],
  at: number,
  world: World,
): Promise<Result> {
  const plugin = await findPlugin(`linkerd-${word}`, world.env["PATH"] ?? "");
  if (plugin !== undefined) {
    return at > 0
      ? {
        code: 1,
        stderr: "Cannot accept flags before Linkerd extension name\n",
      }
      : { plugin, args: args.slice(1) };
  }
  const close = nearest(word, COMMANDS.map(({ name }) => name));
  const suggestion = close === undefined
    ? ""
    : `\nDid you mean this?\n\t${close}\n\n`;
  return {
    code: 1,
    stderr: `Error: unknown command "${word}" for "linkerd"\n${suggestion}` +
      `Run 'linkerd --help' for usage.\n`,
  };
}

function warned(given: Given, outcome: Outcome): Outcome {
  const warnings = given.deprecated.map(({ name, replacedBy }) =>
    `Flag --${name} has been deprecated, use --${replacedBy} instead\n`
  ).join("");
  return { ...outcome, stderr: warnings + (outcome.stderr ?? "") };
}

function refused(command: Command, { message, hint }: Problem): Outcome {
  const next = hint === undefined ? "" : `${hint}\n`;
  return {
    code: 1,
    stderr: `Error: ${message}\n${next}` +
      `Usage:\n  linkerd ${command.name} ${command.usage}\n\n` +
      `Run 'linkerd ${command.name} --help' for flags and examples.\n`,
  };
}

/** Prints help of one command, or of the program. */
function show(name: string | undefined): void {
  const program = declare();
  program.parse(["", "", ...(name === undefined ? [] : [name])], {
    run: false,
  });
  program.outputHelp();
}

/** The program as cac knows it: names and flags for help. Arguments are read by `parseFlags` (docs/decisions/0081). */
function declare(): CAC {
  const program = cac("linkerd");
  program.usage("COMMAND [flags]");
  for (const { name, about, usage, flags, examples } of COMMANDS) {
    const command = program.command(name, about).usage(`${name} ${usage}`);
    for (const flag of flags) addFlag(command, flag);
    for (const example of examples) command.example(`  ${example}`);
  }
  for (const flag of GLOBAL_FLAGS) addFlag(program, flag);
  program.help((sections) => {
    const about = program.matchedCommand?.description ??
      "The service mesh on the command line.";
    const rest = sections.slice(1).filter(({ title }) =>
      title?.startsWith("For more") !== true
    );
    rest.sort((a, b) => rank(a.title) - rank(b.title));
    return [{ body: about }, ...rest];
  });
  program.globalCommand.options.pop(); // help() adds its own --help; ours is in the table
  return program;
}

const ORDER = ["Usage", "Examples", "Commands", "Options"];

function rank(title: string | undefined): number {
  return ORDER.indexOf(title ?? "");
}

function addFlag(
  to: { option(name: string, about: string): unknown },
  { name, short, kind, about, otherwise, hidden, replacedBy }: Flag,
): void {
  if (hidden === true || replacedBy !== undefined) return;
  const long = short === undefined ? `    --${name}` : `-${short}, --${name}`;
  const value = kind === "switch"
    ? ""
    : ` <${kind === "text" ? "value" : "list"}>`;
  const tail = otherwise === undefined ? "" : ` (default ${otherwise})`;
  to.option(long + value, about + tail);
}
