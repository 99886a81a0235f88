import { Problem } from "../schemas/problem.ts";
import type { World } from "./command.ts";
import type { Given } from "./flags.ts";

/** The control plane's namespace unless somebody says otherwise. */
const NAMESPACE = "linkerd";

/** The control plane's namespace: the flag, else `$LINKERD_NAMESPACE`, else `linkerd`. Throws `config.invalid`. */
export function readNamespace(given: Given, world: World): string {
  const namespace = given.text("linkerd-namespace") ??
    (world.env["LINKERD_NAMESPACE"] || NAMESPACE);
  if (/^[a-zA-Z0-9-]+$/.test(namespace)) return namespace;
  throw new Problem("config.invalid", `${namespace} is not a valid namespace`);
}
