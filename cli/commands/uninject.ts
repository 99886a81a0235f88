import { Problem } from "../../schemas/problem.ts";
import type { Command } from "../command.ts";

/** `linkerd uninject`: manifests as they were before. */
export const uninject: Command = {
  name: "uninject",
  usage: "[flags] CONFIG-FILE",
  about: "Take the proxy out of the pods of Kubernetes manifests.",
  flags: [
    {
      name: "output",
      short: "o",
      kind: "text",
      about: "Print yaml or json",
      otherwise: "yaml",
    },
  ],
  examples: [
    "# every Deployment of the default namespace",
    "kubectl get deploy -o yaml | linkerd uninject - | kubectl apply -f -",
    "# a file, a page, all files of a folder",
    "linkerd uninject web.yml",
    "linkerd uninject https://example.com/web.yml",
    "linkerd uninject manifests/ | kubectl apply -f -",
  ],
  maxWords: 1,
  run: async (given, world) => {
    const [file] = given.words;
    if (file === undefined) {
      throw new Problem(
        "config.invalid",
        "please specify a kubernetes resource file",
      );
    }
    const { runUninject } = await import("../inject/run.ts");
    return await runUninject(file, given, world);
  },
};
