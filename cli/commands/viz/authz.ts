import type { Command } from "../../command.ts";
import { NAMESPACE, output, SELECTOR, WATCH, WINDOW } from "./flags.ts";

/** `linkerd viz authz`: what was let in, and by what. */
export const authz: Command = {
  name: "authz",
  usage: "[flags] (RESOURCE)",
  about: "Print what workloads let in, by what, and what they refuse.",
  flags: [
    NAMESPACE,
    WINDOW,
    // As in Linkerd, which never looked at it here.
    { ...SELECTOR, about: "Has no effect", hidden: true },
    output("table, wide or json"),
    WATCH,
  ],
  examples: ["linkerd viz authz -n emojivoto deploy/web"],
  maxWords: 2,
  run: async (given, world) => {
    const { runVizAuthz } = await import("../../viz/authz.ts");
    return await runVizAuthz(given, world);
  },
};
