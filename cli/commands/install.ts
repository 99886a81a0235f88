import type { Command } from "../command.ts";
import { INSTALL_FLAGS } from "../install/flags.ts";

/** `linkerd install`: the manifests of a control plane, or of its custom resources. */
export const install: Command = {
  name: "install",
  usage: "[flags]",
  about: "Print the Kubernetes manifests that install the control plane.",
  flags: INSTALL_FLAGS,
  examples: [
    "# the custom resources, then the control plane",
    "linkerd install --crds --ignore-cluster | kubectl apply -f -",
    "linkerd install --ignore-cluster | kubectl apply -f -",
    "# three replicas of everything, and pods that never start unmeshed",
    "linkerd install --ha --ignore-cluster | kubectl apply -f -",
    "# your own issuer, and values from a file and from the command line",
    "linkerd install --ignore-cluster -f values.yml --set proxy.logLevel=debug \\",
    "  --identity-trust-anchors-file ca.crt \\",
    "  --identity-issuer-certificate-file issuer.crt \\",
    "  --identity-issuer-key-file issuer.key",
  ],
  maxWords: 0,
  run: async (given, world) => {
    const { runInstall } = await import("../install/run.ts");
    return await runInstall(given, world, Date.now());
  },
};
