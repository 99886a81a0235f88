import type { Command } from "../../command.ts";
import { NAMESPACE } from "./flags.ts";

/** `linkerd viz profile`: a ServiceProfile made from what is asked. */
export const profile: Command = {
  name: "profile",
  usage: "[flags] --tap RESOURCE SERVICE",
  about: "Print a ServiceProfile of the paths a workload is asked for.",
  flags: [
    {
      name: "tap",
      kind: "text",
      about: "What to look at, such as deploy/web",
    },
    {
      name: "tap-duration",
      kind: "text",
      about: "How long to look",
      otherwise: "5s",
    },
    {
      name: "tap-route-limit",
      kind: "text",
      about: "How many routes are enough",
      otherwise: "20",
    },
    NAMESPACE,
    {
      name: "output",
      short: "o",
      kind: "text",
      about: "Print yaml or json",
      otherwise: "yaml",
    },
  ],
  examples: [
    "linkerd viz profile -n emojivoto --tap deploy/web web-svc",
    "# for a minute, and apply it",
    "linkerd viz profile -n emojivoto --tap deploy/web --tap-duration 1m web-svc |",
    "  kubectl apply -f -",
  ],
  maxWords: 1,
  run: async (given, world) => {
    const { runVizProfile } = await import("../../viz/profile.ts");
    return await runVizProfile(given, world);
  },
};
