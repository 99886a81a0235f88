import { VERSION } from "../../schemas/version.ts";
import type { Command } from "../command.ts";

/** `linkerd version`: what is installed here and, one day, there. */
export const version: Command = {
  name: "version",
  usage: "[flags]",
  about: "Print the version of this command and of the control plane.",
  flags: [
    { name: "client", kind: "switch", about: "Print this command's only" },
    { name: "short", kind: "switch", about: "Print the numbers alone" },
  ],
  examples: ["linkerd version --client", "linkerd version --client --short"],
  maxWords: 0,
  run: (given) => {
    const short = given.on("short");
    const lines = [short ? VERSION : `Client version: ${VERSION}`];
    // No cluster is asked yet; Linkerd says the same when none answers.
    if (!given.on("client")) {
      lines.push(short ? "unavailable" : "Server version: unavailable");
    }
    return Promise.resolve({ code: 0, stdout: [`${lines.join("\n")}\n`] });
  },
};
