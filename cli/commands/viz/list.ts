import type { Command } from "../../command.ts";
import { ALL_NAMESPACES, NAMESPACE } from "./flags.ts";

/** `linkerd viz list`: which pods can be tapped. */
export const list: Command = {
  name: "list",
  usage: "[flags]",
  about: "List meshed pods, and whether their requests can be tapped.",
  flags: [
    { ...NAMESPACE, about: "Namespace of the pods" },
    { ...ALL_NAMESPACES, about: "Pods of all namespaces" },
  ],
  examples: ["linkerd viz list -n emojivoto", "linkerd viz list -A"],
  maxWords: 0,
  run: async (given, world) => {
    const { runList } = await import("../../viz/list.ts");
    return await runList(given, world);
  },
};
