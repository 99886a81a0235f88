import type { Command } from "../../command.ts";

/** `linkerd viz install`: nothing to do, said. */
export const install: Command = {
  name: "install",
  usage: "",
  about: "Say where the metrics come from; there is nothing to install.",
  flags: [],
  examples: ["linkerd viz install"],
  maxWords: 0,
  run: () =>
    Promise.resolve({
      code: 0,
      stderr:
        "Nothing to apply: metrics are part of the default install.\nAsk for them with linkerd viz stat; of a Prometheus of yours with linkerd upgrade --set prometheusUrl=<url>.\n",
    }),
};
