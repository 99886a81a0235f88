import type { Command, Flag, Group } from "../command.ts";

const DESTINATION_POD: Flag = {
  name: "destination-pod",
  kind: "text",
  about: "Pod of the destination controller to ask, instead of the first",
};
const TOKEN: Flag = {
  name: "token",
  kind: "text",
  about: "Context token to ask with: who is said to ask",
};
const NAMESPACE: Flag = {
  name: "namespace",
  short: "n",
  kind: "text",
  about: "Namespace of the resource",
};

const controllerMetrics: Command = {
  name: "controller-metrics",
  aliases: ["cp-metrics"],
  usage: "[flags]",
  about: "Print the metrics of the control plane's containers.",
  flags: [{
    name: "wait",
    short: "w",
    kind: "text",
    about: "Time allowed to fetch them",
    otherwise: "30s",
  }],
  examples: ["linkerd diagnostics controller-metrics"],
  maxWords: 0,
  run: async (given, world) => {
    const { runControllerMetrics } = await import("../diagnostics/metrics.ts");
    return await runControllerMetrics(given, world);
  },
};

const endpoints: Command = {
  name: "endpoints",
  aliases: ["ep"],
  usage: "[flags] AUTHORITY...",
  about: "Print the endpoints that proxies find behind authorities.",
  flags: [
    {
      name: "output",
      short: "o",
      kind: "text",
      about: "Print table or json",
      otherwise: "table",
    },
    DESTINATION_POD,
    TOKEN,
  ],
  examples: [
    "linkerd diagnostics endpoints web.emojivoto.svc.cluster.local:80",
    "# of a control plane outside a cluster",
    "linkerd diagnostics endpoints --api-addr 127.0.0.1:8086 \\",
    "  web.shop.svc.cluster.local:80",
  ],
  maxWords: Infinity,
  run: async (given, world) => {
    const { runEndpoints } = await import("../diagnostics/endpoints.ts");
    return await runEndpoints(given, world);
  },
};

const policy: Command = {
  name: "policy",
  usage: "[flags] RESOURCE PORT",
  about: "Print what policy says of a port of a Pod or Service.",
  flags: [
    { ...NAMESPACE, otherwise: "default" },
    {
      name: "output",
      short: "o",
      kind: "text",
      about: "Print yaml or json",
      otherwise: "yaml",
    },
    DESTINATION_POD,
    { ...TOKEN, otherwise: "default:diagnostics" },
  ],
  examples: [
    "# who may call port 8080 of a Pod",
    "linkerd diagnostics policy -n emojivoto po/web-6c6d6d4c8-abcde 8080",
    "# how port 80 of a Service is called",
    "linkerd diagnostics policy -n emojivoto svc/web 80",
  ],
  maxWords: 2,
  run: async (given, world) => {
    const { runPolicy } = await import("../diagnostics/policy.ts");
    return await runPolicy(given, world);
  },
};

const profile: Command = {
  name: "profile",
  usage: "[flags] ADDRESS",
  about: "Print what proxies are told of an address or authority.",
  flags: [DESTINATION_POD, TOKEN],
  examples: [
    "linkerd diagnostics profile 10.20.2.4:8080",
    "linkerd diagnostics profile web.emojivoto.svc.cluster.local:80",
  ],
  maxWords: 1,
  run: async (given, world) => {
    const { runProfile } = await import("../diagnostics/profile.ts");
    return await runProfile(given, world);
  },
};

const proxyMetrics: Command = {
  name: "proxy-metrics",
  usage: "[flags] (TYPE/NAME)",
  about: "Print the metrics of the proxies of a workload.",
  flags: [
    { ...NAMESPACE, otherwise: "that of the kubeconfig's context" },
    {
      name: "obfuscate",
      kind: "switch",
      about: "Replace names of services and clients by hashes",
    },
  ],
  examples: [
    "linkerd diagnostics proxy-metrics -n emojivoto deploy/web",
    "# to show to others",
    "linkerd diagnostics proxy-metrics -n emojivoto --obfuscate \\",
    "  po/web-6c6d6d4c8-abcde",
  ],
  maxWords: 2,
  run: async (given, world) => {
    const { runProxyMetrics } = await import("../diagnostics/metrics.ts");
    return await runProxyMetrics(given, world);
  },
};

/** `linkerd diagnostics`: what the control plane and the proxies know. */
export const diagnostics: Group = {
  name: "diagnostics",
  aliases: ["dg"],
  about: "Ask the control plane and the proxies what they know.",
  examples: [
    "linkerd diagnostics endpoints web.emojivoto.svc.cluster.local:80",
    "linkerd diagnostics policy -n emojivoto svc/web 80",
    "linkerd diagnostics proxy-metrics -n emojivoto deploy/web",
  ],
  commands: [controllerMetrics, endpoints, policy, profile, proxyMetrics],
};
