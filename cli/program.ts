import { Problem } from "../schemas/problem.ts";
import type { Command, Entry, Flag, Outcome, World } from "./command.ts";
import { authz } from "./commands/authz.ts";
import { check } from "./commands/check.ts";
import { completion } from "./commands/completion.ts";
import { diagnostics } from "./commands/diagnostics.ts";
import { identity } from "./commands/identity.ts";
import { inject } from "./commands/inject.ts";
import { install } from "./commands/install.ts";
import { profile } from "./commands/profile.ts";
import { prune } from "./commands/prune.ts";
import { uninject } from "./commands/uninject.ts";
import { uninstall } from "./commands/uninstall.ts";
import { upgrade } from "./commands/upgrade.ts";
import { version } from "./commands/version.ts";
import { viz } from "./commands/viz.ts";
import { type Given, parseFlags } from "./flags.ts";
import { showHelp } from "./help.ts";
import { nearest } from "../schemas/nearest.ts";
import { findPlugin } from "./plugin.ts";

/** Every verb, in the order of help. What a verb needs beyond its flags it loads when it runs. */
export const COMMANDS: readonly Entry[] = [
  authz,
  check,
  completion,
  diagnostics,
  identity,
  inject,
  install,
  profile,
  prune,
  uninject,
  uninstall,
  upgrade,
  version,
  viz,
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
  {
    name: "cni-namespace",
    kind: "text",
    about: "Where the CNI plugin is",
    otherwise: "linkerd-cni",
  },
  {
    name: "kubeconfig",
    kind: "text",
    about: "File that says where the cluster is",
    otherwise: "$KUBECONFIG, else ~/.kube/config, else the Pod's own cluster",
  },
  { name: "context", kind: "text", about: "Context of the kubeconfig" },
  { name: "as", kind: "text", about: "User to act for" },
  {
    name: "as-group",
    kind: "repeat",
    about: "Groups to act for, together with --as",
  },
  {
    name: "api-addr",
    kind: "text",
    about: "host:port of a control plane to ask instead of the cluster's",
  },
  {
    name: "viz-namespace",
    kind: "text",
    about: "Has no effect: metrics are in the control plane's namespace",
    hidden: true,
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
  const { path, word, at, rest } = find(args);
  const command = path.at(-1);
  try {
    if (command !== undefined && !("commands" in command)) {
      return await runCommand(command, path, rest, world);
    }
    if (word === "help") return help(find(rest.toSpliced(at, 1), path).path);
    if (word !== undefined) {
      if (path.length > 0) return unknown(word, path);
      return MOVED.includes(word)
        ? await runMoved(word, rest, at, world)
        : await runUnknown(word, rest, at, world);
    }
    parseFlags(rest, GLOBAL_FLAGS);
    return help(path);
  } catch (thrown) {
    if (!(thrown instanceof Problem)) throw thrown;
    return refused(path, thrown);
  }
}

/** Where a command line leads. */
interface Place {
  readonly path: readonly Entry[];
  /** Neither is there when the path ends in a command: the word that names none, and its place in `rest`. */
  readonly word: string | undefined;
  readonly at: number;
  /** The arguments without the words of the path. */
  readonly rest: readonly string[];
}

/** Follows words through the table of commands, from `path` on. */
function find(
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

async function runCommand(
  command: Command,
  path: readonly Entry[],
  args: readonly string[],
  world: World,
): Promise<Result> {
  const given = parseFlags(args, [...command.flags, ...GLOBAL_FLAGS]);
  if (given.on("help")) return help(path);
  const surplus = given.words[command.maxWords];
  if (surplus !== undefined) {
    throw new Problem(
      "config.invalid",
      `unexpected argument "${surplus}" for "${spell(path)}"`,
    );
  }
  return warned(given, await command.run(given, world));
}

/** Commands of `viz` that Linkerd had without that word before. */
const MOVED = ["dashboard", "edges", "routes", "stat", "tap", "top"];

async function runMoved(
  word: string,
  args: readonly string[],
  at: number,
  world: World,
): Promise<Result> {
  const { path } = find([viz.name, word]);
  const command = viz.commands.find(({ name }) => name === word);
  const notice = `Command "${word}" is deprecated, use instead '${
    spell(path)
  } ${command?.usage ?? ""}'\n\n`;
  world.warn?.(notice);
  const result = await run(args.toSpliced(at, 0, viz.name), world);
  return "code" in result && world.warn === undefined
    ? { ...result, stderr: notice + (result.stderr ?? "") }
    : result;
}

async function runUnknown(
  word: string,
  args: readonly string[],
  at: number,
  world: World,
): Promise<Result> {
  const plugin = await findPlugin(`linkerd-${word}`, world.env["PATH"] ?? "");
  if (plugin === undefined) return unknown(word, []);
  return at > 0
    ? {
      code: 1,
      stderr: "Cannot accept flags before Linkerd extension name\n",
    }
    : { plugin, args: args.slice(1) };
}

function unknown(word: string, path: readonly Entry[]): Outcome {
  const group = path.at(-1);
  const commands = group !== undefined && "commands" in group
    ? group.commands
    : COMMANDS;
  const close = nearest(word, commands.map(({ name }) => name));
  const suggestion = close === undefined
    ? ""
    : `\nDid you mean this?\n\t${close}\n\n`;
  return {
    code: 1,
    stderr:
      `Error: unknown command "${word}" for "${spell(path)}"\n${suggestion}` +
      `Run '${spell(path)} --help' for usage.\n`,
  };
}

function help(path: readonly Entry[]): Result {
  return { help: () => showHelp(COMMANDS, GLOBAL_FLAGS, path) };
}

function spell(path: readonly Entry[]): string {
  return ["linkerd", ...path.map(({ name }) => name)].join(" ");
}

function warned(given: Given, outcome: Outcome): Outcome {
  const warnings = given.deprecated.map(({ name, replacedBy }) =>
    `Flag --${name} has been deprecated, use --${replacedBy} instead\n`
  ).join("");
  return { ...outcome, stderr: warnings + (outcome.stderr ?? "") };
}

function refused(
  path: readonly Entry[],
  { message, hint }: Problem,
): Outcome {
  const last = path.at(-1);
  const usage = last === undefined || "commands" in last
    ? "COMMAND [flags]"
    : last.usage;
  const next = hint === undefined ? "" : `${hint}\n`;
  return {
    code: 1,
    stderr: `Error: ${message}\n${next}` +
      `Usage:\n  ${spell(path)} ${usage}\n\n` +
      `Run '${spell(path)} --help' for flags and examples.\n`,
  };
}
