import type { Entry } from "./command.ts";
import { authz } from "./commands/authz.ts";
import { check } from "./commands/check.ts";
import { completion } from "./commands/completion.ts";
import { diagnostics } from "./commands/diagnostics.ts";
import { identity } from "./commands/identity.ts";
import { inject } from "./commands/inject.ts";
import { install } from "./commands/install.ts";
import { profile } from "./commands/profile.ts";
import { prune } from "./commands/prune.ts";
import { uninject } from "./commands/uninject.ts";
import { uninstall } from "./commands/uninstall.ts";
import { upgrade } from "./commands/upgrade.ts";
import { version } from "./commands/version.ts";
import { viz } from "./commands/viz.ts";

/** Every verb, in the order of help. What a verb needs beyond its flags it loads when it runs. */
export const COMMANDS: readonly Entry[] = [
  authz,
  check,
  completion,
  diagnostics,
  identity,
  inject,
  install,
  profile,
  prune,
  uninject,
  uninstall,
  upgrade,
  version,
  viz,
];
