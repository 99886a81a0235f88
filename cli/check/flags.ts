import type { Flag } from "../command.ts";

/** How long checks that may still come right are tried again. */
export const WAIT = "5m0s";

/** Flags of `check`, in the order of help. */
export const CHECK_FLAGS: readonly Flag[] = [
  {
    name: "pre",
    kind: "switch",
    about: "Look whether the control plane can be installed",
  },
  {
    name: "crds",
    kind: "switch",
    about: "Look whether the custom resources are installed",
  },
  {
    name: "proxy",
    kind: "switch",
    about: "Look at the proxies of all pods as well",
  },
  {
    name: "namespace",
    short: "n",
    kind: "text",
    about: "Namespace whose pods --proxy looks at",
    otherwise: "all",
  },
  {
    name: "wait",
    kind: "text",
    about: "How long to wait for what may still come right",
    otherwise: WAIT,
  },
  {
    name: "output",
    short: "o",
    kind: "text",
    about: "Print a table, what is wrong only (short), or json",
    otherwise: "table",
  },
  {
    name: "expected-version",
    kind: "text",
    about: "Version that everything should have",
  },
  {
    name: "linkerd-cni-enabled",
    kind: "switch",
    about: "With --pre: look for the CNI plugin",
  },
  {
    name: "cli-version-override",
    kind: "text",
    about: "Version to take this command for",
  },
];
