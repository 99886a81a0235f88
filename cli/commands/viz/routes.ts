import type { Command, Flag } from "../../command.ts";
import { NAMESPACE, output, SELECTOR, WINDOW } from "./flags.ts";
import { WATCH } from "./watch.ts";

/** Linkerd's commands ask a Prometheus themselves; ours tell what to do instead. */
const PROMETHEUS: Flag = {
  name: "prometheusURL",
  kind: "text",
  about: "Not possible: the metrics component asks a Prometheus",
  hidden: true,
};

/** `linkerd viz stat-inbound`: by Server and route. */
export const statInbound: Command = {
  name: "stat-inbound",
  usage: "[flags] (RESOURCES)",
  about: "Print what workloads are asked, by Server and route.",
  flags: [NAMESPACE, WINDOW, output("table or json"), PROMETHEUS, WATCH],
  examples: ["linkerd viz stat-inbound -n emojivoto deploy/web"],
  maxWords: Infinity,
  run: async (given, world) => {
    const { runInbound } = await import("../../viz/routes.ts");
    return await runInbound(given, world);
  },
};

/** `linkerd viz stat-outbound`: by route and backend. */
export const statOutbound: Command = {
  name: "stat-outbound",
  usage: "[flags] (RESOURCES)",
  about: "Print what workloads ask of Services, by route and backend.",
  flags: [NAMESPACE, WINDOW, output("table or json"), PROMETHEUS, WATCH],
  examples: [
    "# a canary, as its client sees it",
    "linkerd viz stat-outbound -n emojivoto deploy/web",
  ],
  maxWords: Infinity,
  run: async (given, world) => {
    const { runOutbound } = await import("../../viz/routes.ts");
    return await runOutbound(given, world);
  },
};

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
    output("table, wide (with --to: what retries made of it) or json"),
    WATCH,
  ],
  examples: [
    "linkerd viz routes -n emojivoto deploy/web",
    "# with what was sent again",
    "linkerd viz routes -n emojivoto deploy/web --to svc/emoji-svc -o wide",
  ],
  maxWords: Infinity,
  run: async (given, world) => {
    const { runRoutes } = await import("../../viz/profile-routes.ts");
    return await runRoutes(given, world);
  },
};
