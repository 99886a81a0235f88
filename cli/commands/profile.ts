import type { Command } from "../command.ts";

/** `linkerd profile`: a ServiceProfile to apply. */
export const profile: Command = {
  name: "profile",
  usage: "[flags] SERVICE",
  about: "Print a ServiceProfile: the routes of a service, to be edited.",
  flags: [
    {
      name: "template",
      kind: "switch",
      about: "Print one to edit, with comments",
    },
    {
      name: "open-api",
      kind: "text",
      about: "Make one from an OpenAPI (Swagger 2) file, page or -",
    },
    {
      name: "proto",
      kind: "text",
      about: "Make one from a .proto file, page or -",
    },
    {
      name: "namespace",
      short: "n",
      kind: "text",
      about: "Namespace of the service",
      otherwise: "that of the kubeconfig's context",
    },
    {
      name: "ignore-cluster",
      kind: "switch",
      about: "Ask no cluster for its domain: cluster.local",
    },
    {
      name: "output",
      short: "o",
      kind: "text",
      about: "Print yaml or json",
      otherwise: "yaml",
    },
  ],
  examples: [
    "linkerd profile -n emojivoto --template web-svc > web-svc.yml",
    "linkerd profile -n emojivoto --open-api web.swagger web-svc \\",
    "  | kubectl apply -f -",
    "# without asking a cluster",
    "linkerd profile -n emojivoto --ignore-cluster --proto Voting.proto voting-svc",
  ],
  maxWords: 1,
  run: async (given, world) => {
    const { runProfile } = await import("../profile/run.ts");
    return await runProfile(given, world);
  },
};
