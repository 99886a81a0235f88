import { duration } from "../../install/inject/forms.ts";
import { Problem } from "../../schemas/problem.ts";
import { VERSION } from "../../schemas/version.ts";
import type { World } from "../command.ts";
import type { Given } from "../flags.ts";
import { readNamespace } from "../namespace.ts";
import { WAIT } from "./flags.ts";
import type { Mode } from "./modes.ts";
import type { Settings } from "./scene.ts";

const OUTPUTS = ["json", "table", "short"] as const;

/** What a command line asks of `check`. */
export interface CheckOptions {
  readonly mode: Mode;
  readonly output: typeof OUTPUTS[number];
  readonly waitMs: number;
  readonly settings: Settings;
}

/** Throws `config.invalid` on flags that contradict each other. */
export function readOptions(given: Given, world: World): CheckOptions {
  const output = given.text("output") ?? "table";
  const known = OUTPUTS.find((one) => one === output);
  if (given.on("pre") && given.on("proxy")) {
    throw refuse("--pre and --proxy flags are mutually exclusive");
  }
  if (given.on("pre") && given.on("crds")) {
    throw refuse("--pre and --crds flags are mutually exclusive");
  }
  if (given.on("crds") && given.on("proxy")) {
    throw refuse("--crds and --proxy flags are mutually exclusive");
  }
  if (given.on("linkerd-cni-enabled") && !given.on("pre")) {
    throw refuse("--linkerd-cni-enabled can only be used with --pre");
  }
  if (known === undefined) {
    throw refuse(
      `Invalid output type '${output}'. Supported output types are: ${
        OUTPUTS.join(", ")
      }`,
    );
  }
  return {
    mode: given.on("pre")
      ? "pre"
      : given.on("crds")
      ? "crds"
      : given.on("proxy")
      ? "proxy"
      : "default",
    output: known,
    waitMs: readWait(given.text("wait") ?? WAIT),
    settings: {
      namespace: readNamespace(given, world),
      cniNamespace: given.text("cni-namespace") ?? "linkerd-cni",
      dataPlaneNamespace: given.text("namespace") || undefined,
      cliVersion: given.text("cli-version-override") || VERSION,
      expectedVersion: given.text("expected-version") || undefined,
      cniEnabled: given.on("pre") ? given.on("linkerd-cni-enabled") : undefined,
    },
  };
}

/** Of `linkerd viz check`, whose flags are some of the same. */
export function readVizOptions(given: Given, world: World): CheckOptions {
  const options = readOptions(given, world);
  return { ...options, mode: given.on("proxy") ? "viz-proxy" : "viz" };
}

function readWait(text: string): number {
  const waitMs = duration.parse(text);
  if (waitMs !== undefined) return waitMs;
  throw refuse(`Invalid --wait '${text}', expected ${duration.allowed}`);
}

function refuse(found: string): Problem {
  return new Problem(
    "config.invalid",
    `Validation error when executing check command: ${found}`,
  );
}
