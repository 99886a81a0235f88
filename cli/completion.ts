import { Problem } from "../schemas/problem.ts";
import type { Command, Flag } from "./command.ts";

type Script = (commands: readonly Command[], shared: readonly Flag[]) => string;

/** The completion script of a shell: a static table of commands and flags. Throws `config.invalid` on other shells. */
export function completionScript(
  shell: string,
  commands: readonly Command[],
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
  local word="\${COMP_WORDS[COMP_CWORD]}" name=""
  local i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "\${COMP_WORDS[i]}" in
      -*) ;;
      *) name="\${COMP_WORDS[i]}"; break ;;
    esac
  done
  local flags=""
  case "$name" in
    "") COMPREPLY=($(compgen -W "${names(commands)}" -- "$word")); return ;;
${
    commands.map(({ name, flags }) =>
      `    ${name}) flags="${longFlags([...flags, ...shared])}" ;;`
    ).join("\n")
  }
  esac
  case "$word" in
    -*) COMPREPLY=($(compgen -W "$flags" -- "$word")) ;;
    *) [ "$name" = completion ] && COMPREPLY=($(compgen -W "bash zsh fish" -- "$word")) ;;
  esac
}
complete -o default -F _linkerd linkerd
`;

const zsh: Script = (commands, shared) =>
  `#compdef linkerd
_linkerd() {
  local -a commands
  commands=(
${
    commands.map(({ name, about }) => `    ${quote(`${name}:${about}`)}`).join(
      "\n",
    )
  }
  )
  if (( CURRENT == 2 )); then
    _describe 'command' commands
    return
  fi
  case "$words[2]" in
${
    commands.map(({ name, flags }) =>
      `    ${name}) _arguments ${
        shown([...flags, ...shared]).map(zshFlag).join(" ")
      } '*:file:_files' ;;`
    ).join("\n")
  }
  esac
}
if [ "$funcstack[1]" = "_linkerd" ]; then _linkerd; else compdef _linkerd linkerd; fi
`;

const fish: Script = (commands, shared) =>
  [
    "# fish completion for linkerd",
    ...commands.map(({ name, about }) =>
      `complete -c linkerd -f -n __fish_use_subcommand -a ${name} -d ${
        quote(about)
      }`
    ),
    ...commands.flatMap(({ name, flags }) =>
      shown([...flags, ...shared]).map((flag) =>
        `complete -c linkerd -n '__fish_seen_subcommand_from ${name}' -l ${flag.name}${
          flag.short === undefined ? "" : ` -s ${flag.short}`
        }${flag.kind === "switch" ? "" : " -r"} -d ${quote(flag.about)}`
      )
    ),
    "complete -c linkerd -f -n '__fish_seen_subcommand_from completion' -a 'bash zsh fish'",
    "",
  ].join("\n");

const SCRIPTS: ReadonlyMap<string, Script> = new Map([
  ["bash", bash],
  ["zsh", zsh],
  ["fish", fish],
]);

function names(commands: readonly Command[]): string {
  return commands.map(({ name }) => name).join(" ");
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
