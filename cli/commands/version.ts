import { VERSION } from "../../schemas/version.ts";
import type { Command } from "../command.ts";

/** `linkerd version`: what is installed here and there. */
export const version: Command = {
  name: "version",
  usage: "[flags]",
  about: "Print the version of this command and of the control plane.",
  flags: [
    { name: "client", kind: "switch", about: "Print this command's only" },
    { name: "short", kind: "switch", about: "Print the numbers alone" },
    { name: "proxy", kind: "switch", about: "Print those of proxies too" },
    {
      name: "namespace",
      short: "n",
      kind: "text",
      about: "Namespace of the proxies",
      otherwise: "all namespaces",
    },
  ],
  examples: [
    "linkerd version --client",
    "# and of every proxy in the cluster",
    "linkerd version --proxy",
  ],
  maxWords: 0,
  run: async (given, world) => {
    const own = given.on("short") ? VERSION : `Client version: ${VERSION}`;
    if (given.on("client")) return { code: 0, stdout: [`${own}\n`] };
    const { readVersions } = await import("../version/run.ts");
    const lines = [own, ...await readVersions(given, world)];
    return { code: 0, stdout: [`${lines.join("\n")}\n`] };
  },
};
