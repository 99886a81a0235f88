import type { Command } from "../command.ts";
import { UPGRADE_FLAGS } from "../upgrade/flags.ts";

/** `linkerd upgrade`: the manifests of an installed control plane, as this version has them. */
export const upgrade: Command = {
  name: "upgrade",
  usage: "[flags]",
  about: "Print the Kubernetes manifests that upgrade the control plane.",
  flags: UPGRADE_FLAGS,
  examples: [
    "# the custom resources, then the control plane",
    "linkerd upgrade --crds | kubectl apply -f -",
    "linkerd upgrade | kubectl apply -f -",
    "# then delete what this version no longer has",
    "linkerd prune | kubectl delete -f -",
    "# change a value and keep all others",
    "linkerd upgrade --set proxy.logLevel=debug | kubectl apply -f -",
  ],
  maxWords: 0,
  run: async (given, world) => {
    const { runUpgrade } = await import("../upgrade/run.ts");
    return await runUpgrade(given, world, Date.now());
  },
};
