import { Problem } from "../../schemas/problem.ts";
import type { Command } from "../command.ts";
import { GLOBAL_FLAGS } from "../global-flags.ts";

/** `linkerd completion`: a script that teaches a shell our commands and flags. */
export const completion: Command = {
  name: "completion",
  usage: "[bash|zsh|fish]",
  about: "Print a script that completes commands and flags in your shell.",
  flags: [],
  examples: [
    "# bash, now and in every new shell",
    "source <(linkerd completion bash)",
    "linkerd completion bash > ~/.linkerd-completion",
    "echo 'source ~/.linkerd-completion' >> ~/.bashrc",
    "# zsh",
    'linkerd completion zsh > "${fpath[1]}/_linkerd"',
    "# fish",
    "linkerd completion fish > ~/.config/fish/completions/linkerd.fish",
  ],
  maxWords: 1,
  run: async (given) => {
    const shell = given.words[0];
    if (shell === undefined) {
      throw new Problem(
        "config.invalid",
        "please specify a shell: bash, zsh or fish",
      );
    }
    // Loaded here: this command is one of them.
    const { COMMANDS } = await import("../commands.ts");
    const { completionScript } = await import("../completion.ts");
    return {
      code: 0,
      stdout: [completionScript(shell, COMMANDS, GLOBAL_FLAGS)],
    };
  },
};
