import type { Flag } from "../command.ts";
import type { ValueFlag } from "../values/flag-readers.ts";
import {
  CONTROL_FLAGS,
  CREDENTIAL_FLAGS,
  SET_FLAGS,
} from "../values/install-flags.ts";
import { PROXY_FLAGS } from "../values/proxy-flags.ts";

/** Flags of `upgrade` that stand for values, in the order they are applied: those that may change. */
export const VALUE_FLAGS: readonly ValueFlag[] = [
  ...CONTROL_FLAGS,
  ...PROXY_FLAGS,
];

/** Flags of `upgrade`, in the order of help. */
export const UPGRADE_FLAGS: readonly Flag[] = [
  { name: "crds", kind: "switch", about: "Print the custom resources only" },
  {
    name: "ha",
    kind: "switch",
    about: "Run three replicas of each component, apart from each other",
  },
  {
    name: "force",
    kind: "switch",
    about: "Go on although some proxies do not trust the issuer",
  },
  {
    name: "from-manifests",
    kind: "text",
    about: "File, folder, https URL or - with what the cluster would answer",
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
