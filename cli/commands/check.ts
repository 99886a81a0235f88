import { CHECK_FLAGS } from "../check/flags.ts";
import type { Command } from "../command.ts";

/** `linkerd check`: whether a mesh can be installed, and whether it works. */
export const check: Command = {
  name: "check",
  usage: "[flags]",
  about: "Check whether Linkerd can be installed, or that it works.",
  flags: CHECK_FLAGS,
  examples: [
    "# can it be installed here?",
    "linkerd check --pre",
    "# is the control plane well?",
    "linkerd check",
    "# are the proxies of a namespace well, too?",
    "linkerd check --proxy --namespace emojivoto",
    "# for scripts: one JSON document, and an exit code",
    "linkerd check --wait 30s --output json",
  ],
  maxWords: 0,
  run: async (given, world) => {
    const { runCheck } = await import("../check/run.ts");
    return await runCheck(given, world);
  },
};
