import type { Command } from "../../command.ts";
import { NAMESPACE, output, SELECTOR, WINDOW } from "./flags.ts";
import { WATCH } from "./watch.ts";

/** `linkerd viz authz`: what was let in, and by what. */
export const authz: Command = {
  name: "authz",
  usage: "[flags] (RESOURCE)",
  about: "Print what workloads let in by which authorization, and what not.",
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
