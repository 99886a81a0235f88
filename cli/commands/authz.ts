import type { Command } from "../command.ts";

/** `linkerd authz`: which policies let clients in. */
export const authz: Command = {
  name: "authz",
  usage: "[flags] RESOURCE",
  about: "Print the policies that authorize clients of a workload.",
  flags: [
    {
      name: "namespace",
      short: "n",
      kind: "text",
      about: "Namespace of the workload",
      otherwise: "that of the kubeconfig's context",
    },
    {
      name: "from-manifests",
      kind: "text",
      about: "Read a file, a folder, a page or - instead of the cluster",
    },
  ],
  examples: [
    "linkerd authz -n emojivoto deploy/web",
    "# all StatefulSets of a namespace",
    "linkerd authz -n emojivoto sts",
    "# what will be so, before it is applied",
    "linkerd authz -n emojivoto --from-manifests manifests/ deploy/web",
  ],
  maxWords: 2,
  run: async (given, world) => {
    const { runAuthz } = await import("../authz/run.ts");
    return await runAuthz(given, world);
  },
};
