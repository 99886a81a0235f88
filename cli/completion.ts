import { Problem } from "../schemas/problem.ts";
import type { Command, Entry, Flag } from "./command.ts";

type Script = (commands: readonly Entry[], shared: readonly Flag[]) => string;

/** The completion script of a shell: a static table of commands and flags. Throws `config.invalid` on other shells. */
export function completionScript(
  shell: string,
  commands: readonly Entry[],
  shared: readonly Flag[],
): string {
  const script = SCRIPTS.get(shell);
  if (script === undefined) {
    throw new Problem(
      "config.invalid",
      `unsupported shell type (must be bash, zsh or fish): ${shell}`,
    );
  }
  return script(commands, shared);
}

const bash: Script = (commands, shared) =>
  `# bash completion for linkerd
_linkerd() {
  local word="\${COMP_WORDS[COMP_CWORD]}"
  local path="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "\${COMP_WORDS[i]}" in
      -*) ;;
      *) path="$path \${COMP_WORDS[i]}" ;;
    esac
  done
  local flags=""
  case "$path " in
    " ") COMPREPLY=($(compgen -W "${names(commands)}" -- "$word")); return ;;
${
    commands.flatMap((entry) =>
      "commands" in entry
        ? [
          `    ${
            spellings(entry).map((name) => `" ${name} "`).join("|")
          }) COMPREPLY=($(compgen -W "${
            names(entry.commands)
          }" -- "$word")); return ;;`,
          ...entry.commands.map((command) =>
            bashFlags(paths(entry, command), command, shared)
          ),
        ]
        : [bashFlags(spellings(entry), entry, shared)]
    ).join("\n")
  }
  esac
  case "$word" in
    -*) COMPREPLY=($(compgen -W "$flags" -- "$word")) ;;
    *) [ "$path" = " completion" ] && COMPREPLY=($(compgen -W "bash zsh fish" -- "$word")) ;;
  esac
}
complete -o default -F _linkerd linkerd
`;

const zsh: Script = (commands, shared) =>
  `#compdef linkerd
_linkerd() {
  local -a commands
${zshCommands(commands, 2, shared)}
}
if [ "$funcstack[1]" = "_linkerd" ]; then _linkerd; else compdef _linkerd linkerd; fi
`;

/** Offers commands at a place of the line, and what each of them takes after it. */
function zshCommands(
  commands: readonly Entry[],
  place: number,
  shared: readonly Flag[],
): string {
  return `  commands=(
${
    commands.map(({ name, about }) => `    ${quote(`${name}:${about}`)}`).join(
      "\n",
    )
  }
  )
  if (( CURRENT == ${place} )); then
    _describe 'command' commands
    return
  fi
  case "$words[${place}]" in
${
    commands.map((entry) =>
      `    ${spellings(entry).join("|")}) ${
        "commands" in entry
          ? `\n${zshCommands(entry.commands, place + 1, shared)}\n`
          : `_arguments ${
            shown([...entry.flags, ...shared]).map(zshFlag).join(" ")
          } '*:file:_files'`
      } ;;`
    ).join("\n")
  }
  esac`;
}

const fish: Script = (commands, shared) =>
  [
    "# fish completion for linkerd",
    ...commands.map((entry) => fishName("__fish_use_subcommand", entry)),
    ...commands.flatMap((entry) => {
      const seen = fishSeen(spellings(entry));
      if (!("commands" in entry)) return fishFlags(seen, entry, shared);
      const below = fishSeen(entry.commands.flatMap(spellings));
      return entry.commands.flatMap((command) => [
        fishName(quote(`${seen}; and not ${below}`), command),
        ...fishFlags(
          `${seen}; and ${fishSeen(spellings(command))}`,
          command,
          shared,
        ),
      ]);
    }),
    "complete -c linkerd -f -n '__fish_seen_subcommand_from completion' -a 'bash zsh fish'",
    "",
  ].join("\n");

function fishName(condition: string, { name, about }: Entry): string {
  return `complete -c linkerd -f -n ${condition} -a ${name} -d ${quote(about)}`;
}

function fishSeen(names: readonly string[]): string {
  return `__fish_seen_subcommand_from ${names.join(" ")}`;
}

function fishFlags(
  condition: string,
  { flags }: Command,
  shared: readonly Flag[],
): string[] {
  return shown([...flags, ...shared]).map(({ name, short, kind, about }) =>
    `complete -c linkerd -n ${quote(condition)} -l ${name}${
      short === undefined ? "" : ` -s ${short}`
    }${kind === "switch" ? "" : " -r"} -d ${quote(about)}`
  );
}

const SCRIPTS: ReadonlyMap<string, Script> = new Map([
  ["bash", bash],
  ["zsh", zsh],
  ["fish", fish],
]);

function names(commands: readonly Entry[]): string {
  return commands.map(({ name }) => name).join(" ");
}

/** A command's name, then its other words. */
function spellings({ name, aliases = [] }: Entry): string[] {
  return [name, ...aliases];
}

/** Every way to write a command of a group. */
function paths(group: Entry, command: Command): string[] {
  return spellings(group).flatMap((first) =>
    spellings(command).map((second) => `${first} ${second}`)
  );
}

function bashFlags(
  paths: readonly string[],
  { flags }: Command,
  shared: readonly Flag[],
): string {
  const patterns = paths.map((path) => `" ${path} "*`).join("|");
  return `    ${patterns}) flags="${longFlags([...flags, ...shared])}" ;;`;
}

function longFlags(flags: readonly Flag[]): string {
  return shown(flags).map(({ name }) => `--${name}`).join(" ");
}

function shown(flags: readonly Flag[]): Flag[] {
  return flags.filter(({ hidden, replacedBy }) =>
    hidden !== true && replacedBy === undefined
  );
}

function zshFlag({ name, kind, about }: Flag): string {
  const value = kind === "switch" ? "" : ":value:";
  return quote(`--${name}[${about.replaceAll(/[[\]:]/g, "\\$&")}]${value}`);
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
