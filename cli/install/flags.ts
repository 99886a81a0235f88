import type { Flag } from "../command.ts";
import {
  CONTROL_FLAGS,
  CREDENTIAL_FLAGS,
  ONCE_FLAGS,
  SET_FLAGS,
} from "../values/install-flags.ts";
import type { ValueFlag } from "../values/flag-readers.ts";
import { PROXY_FLAGS } from "../values/proxy-flags.ts";

/** Flags of `install` that stand for values, in the order they are applied. */
export const VALUE_FLAGS: readonly ValueFlag[] = [
  ...ONCE_FLAGS,
  ...CONTROL_FLAGS,
  ...PROXY_FLAGS,
];

/** Flags of `install`, in the order of help. */
export const INSTALL_FLAGS: readonly Flag[] = [
  { name: "crds", kind: "switch", about: "Print the custom resources only" },
  {
    name: "ha",
    kind: "switch",
    about: "Run three replicas of each component, apart from each other",
  },
  {
    name: "ignore-cluster",
    kind: "switch",
    about: "Ask no cluster whether the install would work",
  },
  {
    name: "output",
    short: "o",
    kind: "text",
    about: "Print yaml or json",
    otherwise: "yaml",
  },
  ...SET_FLAGS,
  ...CREDENTIAL_FLAGS,
  ...VALUE_FLAGS,
];
