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
  flags: [NAMESPACE, WINDOW, output("table or json")],
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
  flags: [NAMESPACE, WINDOW, output("table or json")],
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

const authz: Command = {
  name: "authz",
  usage: "[flags] (RESOURCE)",
  about: "Print what workloads let in by which authorization, and what not.",
  flags: [NAMESPACE, WINDOW, output("table, wide or json")],
  examples: ["linkerd viz authz -n emojivoto deploy/web"],
  maxWords: 2,
  run: async (given, world) => {
    const { runVizAuthz } = await import("../viz/authz.ts");
    return await runVizAuthz(given, world);
  },
};

const routes: Command = {
  name: "routes",
  usage: "[flags] (RESOURCES)",
  about: "Print requests by the routes of ServiceProfiles.",
  flags: [
    NAMESPACE,
    WINDOW,
    {
      name: "to",
      kind: "text",
      about: "Only what the resources send to this Service",
    },
    { name: "to-namespace", kind: "text", about: "Namespace of --to" },
    output("table, wide (with --to: what retries made of it) or json"),
  ],
  examples: [
    "linkerd viz routes -n emojivoto deploy/web",
    "# with what was sent again",
    "linkerd viz routes -n emojivoto deploy/web --to svc/emoji-svc -o wide",
  ],
  maxWords: Infinity,
  run: async (given, world) => {
    const { runRoutes } = await import("../viz/profile-routes.ts");
    return await runRoutes(given, world);
  },
};

const dashboard: Command = {
  name: "dashboard",
  usage: "[flags]",
  about: "Open the dashboard in a browser, until this command is stopped.",
  flags: [
    {
      name: "address",
      kind: "text",
      about: "Where to listen; only this machine can be asked",
      otherwise: "localhost",
    },
    {
      name: "port",
      short: "p",
      kind: "text",
      about: "Port to listen on; 0 takes any",
      otherwise: "50750",
    },
    {
      name: "show",
      kind: "text",
      about: "linkerd opens a browser, url only says where to go",
      otherwise: "linkerd",
    },
    {
      name: "wait",
      kind: "text",
      about: "How long to wait for the metrics component",
      otherwise: "5m0s",
    },
  ],
  examples: [
    "linkerd viz dashboard",
    "# without a browser",
    "linkerd viz dashboard --show url --port 0",
  ],
  maxWords: 0,
  run: async (given, world) => {
    const { runDashboard } = await import("../viz/dashboard.ts");
    return await runDashboard(given, world);
  },
};

const install: Command = {
  name: "install",
  usage: "",
  about: "Say where the metrics come from; there is nothing to install.",
  flags: [],
  examples: ["linkerd viz install"],
  maxWords: 0,
  run: () =>
    Promise.resolve({
      code: 0,
      stderr:
        "Nothing to apply: metrics are part of the default install.\nAsk for them with linkerd viz stat; of a Prometheus of yours with linkerd upgrade --set prometheusUrl=<url>.\n",
    }),
};

/** `linkerd viz`: golden metrics. They come with the default install. */
export const viz: Group = {
  name: "viz",
  about: "Show the golden metrics of workloads.",
  examples: [
    "linkerd viz stat -n emojivoto deploy",
    "linkerd viz edges -n emojivoto deploy",
  ],
  commands: [
    authz,
    dashboard,
    edges,
    install,
    routes,
    stat,
    statInbound,
    statOutbound,
  ],
};
