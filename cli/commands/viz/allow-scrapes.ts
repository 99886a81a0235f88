import type { Command } from "../../command.ts";

/** `linkerd viz allow-scrapes`: metrics of pods that let in nobody by default. */
export const allowScrapes: Command = {
  name: "allow-scrapes",
  usage: "-n NAMESPACE",
  about: "Print policies that let the metrics of a namespace be scraped.",
  flags: [{
    name: "namespace",
    short: "n",
    kind: "text",
    about: "Namespace of the pods; needed",
  }],
  examples: [
    "# where pods have the default policy deny",
    "linkerd viz allow-scrapes -n emojivoto | kubectl apply -f -",
  ],
  maxWords: 0,
  run: async (given, world) => {
    const { runAllowScrapes } = await import("../../viz/allow-scrapes.ts");
    return runAllowScrapes(given, world);
  },
};
