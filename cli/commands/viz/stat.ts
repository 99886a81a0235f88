import type { Command } from "../../command.ts";
import {
  ALL_NAMESPACES,
  NAMESPACE,
  output,
  SELECTOR,
  WATCH,
  WINDOW,
} from "./flags.ts";

/** `linkerd viz stat`: golden metrics of workloads and Services. */
export const stat: Command = {
  name: "stat",
  usage: "[flags] (RESOURCES)",
  about: "Print success rate, request rate and latency of resources.",
  flags: [
    NAMESPACE,
    ALL_NAMESPACES,
    SELECTOR,
    WINDOW,
    {
      name: "to",
      kind: "text",
      about: "Only what the resources send to this one",
    },
    { name: "to-namespace", kind: "text", about: "Namespace of --to" },
    {
      name: "from",
      kind: "text",
      about: "Only what the resources get from this one",
    },
    { name: "from-namespace", kind: "text", about: "Namespace of --from" },
    {
      name: "unmeshed",
      kind: "switch",
      about: "Show workloads outside the mesh, too",
    },
    output("table, wide or json"),
    WATCH,
  ],
  examples: [
    "linkerd viz stat -n emojivoto deploy",
    "# what web sends to emoji",
    "linkerd viz stat -n emojivoto deploy/web --to svc/emoji-svc",
    "# every namespace, over the last ten minutes",
    "linkerd viz stat ns -t 10m",
    "# as it changes",
    "linkerd viz stat -n emojivoto deploy --watch",
  ],
  maxWords: Infinity,
  run: async (given, world) => {
    const { runStat } = await import("../../viz/stat.ts");
    return await runStat(given, world);
  },
};
