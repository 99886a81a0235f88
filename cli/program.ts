import { nearest } from "../schemas/nearest.ts";
import { Problem } from "../schemas/problem.ts";
import type { Command, Entry, Outcome, World } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { viz } from "./commands/viz.ts";
import { type Given, parseFlags } from "./flags.ts";
import { GLOBAL_FLAGS } from "./global-flags.ts";
import { showHelp } from "./help.ts";
import { find, spell } from "./place.ts";
import { findPlugin } from "./plugin.ts";
import { saying } from "./refusal.ts";

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

function warned(given: Given, outcome: Outcome): Outcome {
  const warnings = given.deprecated.map(({ name, replacedBy }) =>
    `Flag --${name} has been deprecated, use --${replacedBy} instead\n`
  ).join("");
  return { ...outcome, stderr: warnings + (outcome.stderr ?? "") };
}

/** How a command is used is told when its line was wrong; nobody needs it when a cluster refuses what is asked. */
function refused(path: readonly Entry[], problem: Problem): Outcome {
  const error = `Error: ${saying(problem)}\n`;
  if (problem.code !== "config.invalid") return { code: 1, stderr: error };
  const last = path.at(-1);
  const usage = last === undefined || "commands" in last
    ? "COMMAND [flags]"
    : last.usage;
  return {
    code: 1,
    stderr: `${error}Usage:\n  ${spell(path)} ${usage}\n\n` +
      `Run '${spell(path)} --help' for flags and examples.\n`,
  };
}
