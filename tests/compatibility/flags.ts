import type { Command, Entry, Flag } from "../../cli/command.ts";
import { COMMANDS } from "../../cli/commands.ts";
import { GLOBAL_FLAGS } from "../../cli/global-flags.ts";
import type { Row } from "./annotations.ts";
import { LINKERD_FLAGS } from "./linkerd-flags.ts";

const HEARTBEAT = "understood; nothing is reported to anyone anyway";
const SLICES = "understood; discovery always reads EndpointSlices";
const UPGRADE =
  "understood; HTTP/1 always crosses between proxies as HTTP/2, so this is refused";
const NO_VIZ = "understood; metrics are part of the install";
const PROMETHEUS =
  "refused: the metrics component asks the Prometheus of the value `prometheusUrl`, so that Kubernetes decides who may read metrics";

/** Where ours means something else, on purpose; by command and flag, or by flag. */
const DIFFERS: Readonly<Record<string, string>> = {
  "--disable-heartbeat": HEARTBEAT,
  "--enable-endpoint-slices": SLICES,
  "--disable-h2-upgrade": UPGRADE,
  "--registry": "the default is our own: no foreign image is pulled",
  "--proxy-image": "the default is our own: no foreign image is pulled",
  "check --expected-version":
    "without it nothing is looked up: the versions of this command, the control plane and the proxies are compared",
  "viz authz --selector": "understood, and unused as in Linkerd",
  "viz stat-inbound --prometheusURL": PROMETHEUS,
  "viz stat-outbound --prometheusURL": PROMETHEUS,
  ...ofViz("install", [
    ...["ha", "ignore-cluster", "output", "set", "set-file", "set-string"],
    ...["skip-checks", "values", "wait"],
  ]),
  ...ofViz("prune", [
    ...["ha", "set", "set-file", "set-string", "values", "wait"],
  ]),
};

function ofViz(
  command: string,
  flags: readonly string[],
): Record<string, string> {
  return Object.fromEntries(
    flags.map((flag) => [`viz ${command} --${flag}`, NO_VIZ]),
  );
}

/** One command: itself, and its flags. */
export interface CommandRows {
  readonly command: string;
  readonly isThere: boolean;
  readonly rows: readonly Row[];
}

/** Every flag of Linkerd's, found in our own table of commands or not. */
export function flagRows(): CommandRows[] {
  return Object.entries(LINKERD_FLAGS).map(([command, names]) => {
    const flags = flagsOf(command);
    const rows = names.split(" ").filter((name) => name !== "").sort()
      .map((name) => row(command, name, flags));
    return { command, isThere: flags !== undefined, rows };
  });
}

/** Flags of ours that Linkerd does not have, as `command --flag`. */
export function ownFlags(): string[] {
  return [...OURS].flatMap(([name, { flags }]) =>
    flags.filter((flag) => !LINKERD_FLAGS[name]?.split(" ").includes(flag.name))
      .map((flag) => `${name} --${flag.name}`)
  );
}

function row(
  command: string,
  flag: string,
  flags: readonly Flag[] | undefined,
): Row {
  const name = `--${flag}`;
  if (!flags?.some((one) => one.name === flag)) {
    return { name, state: "not yet" };
  }
  const why = DIFFERS[`${command} ${name}`] ?? DIFFERS[name];
  return why === undefined
    ? { name, state: "done" }
    : { name, state: "differs", why };
}

function flagsOf(command: string): readonly Flag[] | undefined {
  return command === "" ? GLOBAL_FLAGS : OURS.get(command)?.flags;
}

/** Our commands by all their words. */
const OURS = new Map(wordsOf(COMMANDS, ""));

function wordsOf(
  entries: readonly Entry[],
  before: string,
): [string, Command][] {
  return entries.flatMap((entry) =>
    "commands" in entry
      ? wordsOf(entry.commands, `${before}${entry.name} `)
      : [[before + entry.name, entry]]
  );
}
