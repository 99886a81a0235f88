import type { Command } from "../../command.ts";
import { ALL_NAMESPACES, NAMESPACE, output, WATCH } from "./flags.ts";

/** `linkerd viz edges`: who talks to whom. */
export const edges: Command = {
  name: "edges",
  usage: "[flags] (TYPE)",
  about: "Print who talks to whom now, and whether over mutual TLS.",
  flags: [NAMESPACE, ALL_NAMESPACES, output("table, wide or json"), WATCH],
  examples: [
    "linkerd viz edges -n emojivoto deploy",
    "linkerd viz edges -A po",
  ],
  maxWords: 1,
  run: async (given, world) => {
    const { runEdges } = await import("../../viz/edges.ts");
    return await runEdges(given, world);
  },
};
