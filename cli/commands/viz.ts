import type { Command, Flag, Group } from "../command.ts";

const NAMESPACE: Flag = {
  name: "namespace",
  short: "n",
  kind: "text",
  about: "Namespace of the resources",
  otherwise: "that of the kubeconfig's context",
};
const ALL_NAMESPACES: Flag = {
  name: "all-namespaces",
  short: "A",
  kind: "switch",
  about: "Resources of all namespaces",
};
const WINDOW: Flag = {
  name: "time-window",
  short: "t",
  kind: "text",
  about: "How far back to look: from 15s to 1h",
  otherwise: "1m",
};
const output = (formats: string): Flag => ({
  name: "output",
  short: "o",
  kind: "text",
  about: `Print ${formats}`,
  otherwise: "table",
});

const stat: Command = {
  name: "stat",
  usage: "[flags] (RESOURCES)",
  about: "Print success rate, requests per second and latency of resources.",
  flags: [
    NAMESPACE,
    ALL_NAMESPACES,
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
  ],
  examples: [
    "linkerd viz stat -n emojivoto deploy",
    "# what web sends to emoji",
    "linkerd viz stat -n emojivoto deploy/web --to svc/emoji-svc",
    "# every namespace, over the last ten minutes",
    "linkerd viz stat ns -t 10m",
  ],
  maxWords: Infinity,
  run: async (given, world) => {
    const { runStat } = await import("../viz/stat.ts");
    return await runStat(given, world);
  },
};

const edges: Command = {
  name: "edges",
  usage: "[flags] (TYPE)",
  about: "Print who talks to whom now, and whether over mutual TLS.",
  flags: [NAMESPACE, ALL_NAMESPACES, output("table, wide or json")],
  examples: [
    "linkerd viz edges -n emojivoto deploy",
    "linkerd viz edges -A po",
  ],
  maxWords: 1,
  run: async (given, world) => {
    const { runEdges } = await import("../viz/edges.ts");
    return await runEdges(given, world);
  },
};

const statInbound: Command = {
  name: "stat-inbound",
  usage: "[flags] (RESOURCES)",
  about: "Print what workloads are asked, by Server and route.",
  flags: [NAMESPACE, ALL_NAMESPACES, WINDOW, output("table or json")],
  examples: ["linkerd viz stat-inbound -n emojivoto deploy/web"],
  maxWords: Infinity,
  run: async (given, world) => {
    const { runInbound } = await import("../viz/routes.ts");
    return await runInbound(given, world);
  },
};

const statOutbound: Command = {
  name: "stat-outbound",
  usage: "[flags] (RESOURCES)",
  about: "Print what workloads ask of Services, by route and backend.",
  flags: [NAMESPACE, ALL_NAMESPACES, WINDOW, output("table or json")],
  examples: [
    "# a canary, as its client sees it",
    "linkerd viz stat-outbound -n emojivoto deploy/web",
  ],
  maxWords: Infinity,
  run: async (given, world) => {
    const { runOutbound } = await import("../viz/routes.ts");
    return await runOutbound(given, world);
  },
};

/** `linkerd viz`: golden metrics. They come with the default install. */
export const viz: Group = {
  name: "viz",
  about: "Show the golden metrics of workloads.",
  examples: [
    "linkerd viz stat -n emojivoto deploy",
    "linkerd viz edges -n emojivoto deploy",
  ],
  commands: [edges, stat, statInbound, statOutbound],
};
