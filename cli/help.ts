import { type CAC, cac } from "cac";
import type { Entry, Flag } from "./command.ts";

/** Prints help of what `path` leads to: the program when it is empty, a group, or a command. */
export function showHelp(
  commands: readonly Entry[],
  shared: readonly Flag[],
  path: readonly Entry[],
): void {
  const last = path.at(-1);
  const groups = path.filter((entry) => "commands" in entry);
  const group = groups.at(-1);
  const program = declare(
    ["linkerd", ...groups.map(({ name }) => name)].join(" "),
    group?.commands ?? commands,
    shared,
    group,
  );
  const isCommand = last !== undefined && last !== group;
  program.parse(["", "", ...(isCommand ? [last.name] : [])], { run: false });
  program.outputHelp();
}

/** The program as cac knows it: names and flags for help. Arguments are read by `parseFlags` (docs/decisions/0081). */
function declare(
  name: string,
  commands: readonly Entry[],
  shared: readonly Flag[],
  self: Entry | undefined,
): CAC {
  const program = cac(name);
  program.usage("COMMAND [flags]");
  for (const entry of commands) {
    const usage = "commands" in entry ? "COMMAND [flags]" : entry.usage;
    const command = program.command(entry.name, entry.about)
      .usage(`${entry.name} ${usage}`);
    const flags = "commands" in entry ? [] : entry.flags;
    for (const flag of flags) addFlag(command, flag);
    for (const example of entry.examples) command.example(`  ${example}`);
    const { aliases = [] } = entry;
    if (aliases.length > 0) {
      command.example(`  # shorter: ${name} ${aliases.join(", ")}`);
    }
  }
  for (const example of self?.examples ?? []) program.example(`  ${example}`);
  for (const flag of shared) addFlag(program, flag);
  program.help((sections) => {
    const about = program.matchedCommand?.description ?? self?.about ??
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
