import type { Command, Flag } from "../../command.ts";
import { SET_FLAGS } from "../../values/install-flags.ts";

const OUTPUT: Flag = {
  name: "output",
  short: "o",
  kind: "text",
  about: "Print yaml or json",
  otherwise: "yaml",
};

/** `linkerd viz uninstall`: what to delete of Linkerd's own viz extension. */
export const uninstall: Command = {
  name: "uninstall",
  usage: "[flags]",
  about: "Print what to delete of a viz extension that Linkerd left.",
  flags: [OUTPUT],
  examples: ["linkerd viz uninstall | kubectl delete -f -"],
  maxWords: 0,
  run: async (given, world) => {
    const { runVizUninstall } = await import("../../viz/uninstall.ts");
    return await runVizUninstall(given, world);
  },
};

/** `linkerd viz prune`: the same, but for the extension's namespace. */
export const prune: Command = {
  name: "prune",
  usage: "[flags]",
  about: "Print what is superfluous of a viz extension that Linkerd left.",
  flags: [
    OUTPUT,
    // The values of an extension that has none: understood, without effect.
    ...[
      { name: "ha", kind: "switch" as const, about: "Has no effect" },
      { name: "wait", kind: "text" as const, about: "Has no effect" },
      ...SET_FLAGS,
    ].map((flag) => ({ ...flag, hidden: true })),
  ],
  examples: ["linkerd viz prune | kubectl delete -f -"],
  maxWords: 0,
  run: async (given, world) => {
    const { runVizPrune } = await import("../../viz/uninstall.ts");
    return await runVizPrune(given, world);
  },
};
