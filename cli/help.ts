import { type CAC, cac } from "cac";
import type { Entry, Flag } from "./command.ts";
import { formatFlags } from "./flag-lines.ts";

/** Prints help of what `path` leads to: the program when it is empty, a group, or a command. */
export function showHelp(
  commands: readonly Entry[],
  shared: readonly Flag[],
  path: readonly Entry[],
): void {
  const last = path.at(-1);
  const groups = path.filter((entry) => "commands" in entry);
  const group = groups.at(-1);
  const command = last === undefined || "commands" in last ? undefined : last;
  const program = declare(
    ["linkerd", ...groups.map(({ name }) => name)].join(" "),
    group?.commands ?? commands,
    [...command?.flags ?? [], ...shared],
    group,
  );
  program.parse(["", "", ...(command === undefined ? [] : [command.name])], {
    run: false,
  });
  program.outputHelp();
}

/** The program as cac knows it: names and examples. Arguments are read by `parseFlags` (docs/decisions/0081). */
function declare(
  name: string,
  commands: readonly Entry[],
  flags: readonly Flag[],
  self: Entry | undefined,
): CAC {
  const program = cac(name);
  program.usage("COMMAND [flags]");
  for (const entry of commands) {
    const usage = "commands" in entry ? "COMMAND [flags]" : entry.usage;
    const command = program.command(entry.name, entry.about)
      .usage(`${entry.name} ${usage}`);
    for (const example of entry.examples) command.example(`  ${example}`);
    const { aliases = [] } = entry;
    if (aliases.length > 0) {
      command.example(`  # shorter: ${name} ${aliases.join(", ")}`);
    }
  }
  for (const example of self?.examples ?? []) program.example(`  ${example}`);
  program.help((sections) => {
    const about = program.matchedCommand?.description ?? self?.about ??
      "The service mesh on the command line.";
    const known = ["Usage", "Examples", "Commands"].flatMap((wanted) =>
      sections.filter(({ title }) => title === wanted)
    );
    const options = { title: "Options", body: formatFlags(flags) };
    return [{ body: about }, ...known, options];
  });
  return program;
}
