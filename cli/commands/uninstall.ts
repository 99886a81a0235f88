import type { Command } from "../command.ts";

/** `linkerd uninstall`: what to delete to be rid of the control plane. */
export const uninstall: Command = {
  name: "uninstall",
  usage: "[flags]",
  about: "Print what to delete to uninstall the control plane.",
  flags: [
    {
      name: "force",
      short: "f",
      kind: "switch",
      about: "Go on although extensions or meshed pods need it",
    },
    {
      name: "output",
      short: "o",
      kind: "text",
      about: "Print yaml or json",
      otherwise: "yaml",
    },
  ],
  examples: ["linkerd uninstall | kubectl delete -f -"],
  maxWords: 0,
  run: async (given, world) => {
    const { runUninstall } = await import("../uninstall/run.ts");
    return await runUninstall(given, world);
  },
};
