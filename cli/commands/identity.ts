import type { Command } from "../command.ts";

/** `linkerd identity`: the certificates that proxies show. */
export const identity: Command = {
  name: "identity",
  usage: "[flags] [POD...]",
  about: "Print the certificates that pods show to one another.",
  flags: [
    {
      name: "namespace",
      short: "n",
      kind: "text",
      about: "Namespace of the pods",
      otherwise: "that of the kubeconfig's context",
    },
    {
      name: "selector",
      short: "l",
      kind: "text",
      about: "Labels of the pods, instead of names",
    },
  ],
  examples: [
    "linkerd identity -n emojivoto web-6c6d6d4c8-abcde",
    "# all pods of an application",
    "linkerd identity -n emojivoto -l app=web-svc",
  ],
  maxWords: Infinity,
  run: async (given, world) => {
    const { runIdentity } = await import("../identity/run.ts");
    return await runIdentity(given, world);
  },
};
