import { CHECK_FLAGS } from "../../check/flags.ts";
import type { Command } from "../../command.ts";

const TAKEN = ["proxy", "namespace", "wait", "output"];

/** `linkerd viz check`: whether metrics and taps work. */
export const check: Command = {
  name: "check",
  usage: "[flags]",
  about: "Check whether metrics and live requests can be asked for.",
  flags: CHECK_FLAGS.filter(({ name }) => TAKEN.includes(name)),
  examples: [
    "linkerd viz check",
    "# do metrics of a namespace's pods come in?",
    "linkerd viz check --proxy --namespace emojivoto",
  ],
  maxWords: 0,
  run: async (given, world) => {
    const { runVizCheck } = await import("../../check/run.ts");
    return await runVizCheck(given, world);
  },
};
