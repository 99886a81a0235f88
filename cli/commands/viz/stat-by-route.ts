import type { Command, Flag } from "../../command.ts";
import { NAMESPACE, output, WATCH, WINDOW } from "./flags.ts";

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
    const { runInbound } = await import("../../viz/stat-inbound.ts");
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
    const { runOutbound } = await import("../../viz/stat-outbound.ts");
    return await runOutbound(given, world);
  },
};
