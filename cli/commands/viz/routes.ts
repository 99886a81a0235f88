import type { Command } from "../../command.ts";
import { NAMESPACE, output, SELECTOR, WATCH, WINDOW } from "./flags.ts";

/** `linkerd viz routes`: by routes of ServiceProfiles. */
export const routes: Command = {
  name: "routes",
  usage: "[flags] (RESOURCES)",
  about: "Print requests by the routes of ServiceProfiles.",
  flags: [
    NAMESPACE,
    SELECTOR,
    WINDOW,
    {
      name: "to",
      kind: "text",
      about: "Only what the resources send to this Service",
    },
    { name: "to-namespace", kind: "text", about: "Namespace of --to" },
    output("table, wide or json"),
    WATCH,
  ],
  examples: [
    "linkerd viz routes -n emojivoto deploy/web",
    "# with what retries made of it, which needs --to",
    "linkerd viz routes -n emojivoto deploy/web --to svc/emoji-svc -o wide",
  ],
  maxWords: Infinity,
  run: async (given, world) => {
    const { runRoutes } = await import("../../viz/routes.ts");
    return await runRoutes(given, world);
  },
};
