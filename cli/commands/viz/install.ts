import type { Command, Flag } from "../../command.ts";
import { SET_FLAGS } from "../../values/install-flags.ts";

const SILENT: readonly Flag[] = [
  { name: "skip-checks", kind: "switch", about: "Has no effect" },
  { name: "ignore-cluster", kind: "switch", about: "Has no effect" },
  { name: "ha", kind: "switch", about: "Has no effect" },
  { name: "wait", kind: "text", about: "Has no effect" },
  { name: "output", short: "o", kind: "text", about: "Has no effect" },
];

/** `linkerd viz install`: nothing to do, said. */
export const install: Command = {
  name: "install",
  usage: "[flags]",
  about: "Say where the metrics come from; there is nothing to install.",
  // What scripts give Linkerd's extension.
  flags: [...SILENT, ...SET_FLAGS].map((flag) => ({ ...flag, hidden: true })),
  examples: ["linkerd viz install"],
  maxWords: 0,
  run: (given) => {
    const values = SET_FLAGS.filter(({ name }) => given.has(name))
      .map(({ name }) => `--${name}`).join(", ");
    const ignored = values === ""
      ? ""
      : `${values}: values of linkerd-viz mean nothing here; those of metrics are values of linkerd install.\n`;
    return Promise.resolve({
      code: 0,
      stderr:
        `Nothing to apply: metrics are part of the default install.\nAsk for them with linkerd viz stat; of a Prometheus of yours with linkerd upgrade --set prometheusUrl=<url>.\n${ignored}`,
    });
  },
};
