import { Problem } from "../../schemas/problem.ts";
import type { Command } from "../command.ts";
import { INJECT_FLAGS } from "../inject/flags.ts";

/** `linkerd inject`: manifests that ask for a proxy, or that have one. */
export const inject: Command = {
  name: "inject",
  usage: "[flags] CONFIG-FILE",
  about: "Add a proxy to the pods of Kubernetes manifests.",
  flags: INJECT_FLAGS,
  examples: [
    "# every Deployment of the default namespace",
    "kubectl get deploy -o yaml | linkerd inject --ignore-cluster - \\",
    "  | kubectl apply -f -",
    "# a file or a page, without asking a cluster",
    "linkerd inject --ignore-cluster web.yml",
    "linkerd inject --ignore-cluster https://example.com/web.yml",
    "# all files of a folder",
    "linkerd inject --ignore-cluster manifests/ | kubectl apply -f -",
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
    const { runInject } = await import("../inject/run.ts");
    return await runInject(file, given, world);
  },
};
