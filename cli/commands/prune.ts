import type { Command } from "../command.ts";

/** `linkerd prune`: what earlier versions left behind. */
export const prune: Command = {
  name: "prune",
  usage: "[flags]",
  about: "Print what an upgraded control plane has no use for any more.",
  flags: [
    {
      name: "output",
      short: "o",
      kind: "text",
      about: "Print yaml or json",
      otherwise: "yaml",
    },
  ],
  examples: ["linkerd prune | kubectl delete -f -"],
  maxWords: 0,
  run: async (given, world) => {
    const { runPrune } = await import("../prune/run.ts");
    return await runPrune(given, world, Date.now());
  },
};
