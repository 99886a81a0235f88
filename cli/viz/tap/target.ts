import { describe, Problem } from "../../../schemas/problem.ts";
import type { TapFilter, TapTarget } from "../../../schemas/tap.ts";
import type { World } from "../../command.ts";
import type { Given } from "../../flags.ts";
import { readTargetNamespace } from "../options.ts";
import { parseResource } from "../resource.ts";

/** What can be tapped; requests to a Service can be shown too, by those who send them. */
const SOURCES = [
  "cronjob",
  "daemonset",
  "deployment",
  "job",
  "namespace",
  "pod",
  "replicaset",
  "replicationcontroller",
  "statefulset",
];
const DESTINATIONS = [...SOURCES, "service"];

/** Linkerd's, of requests a second. */
const MAX_RPS = 100;

/** What a command line asks of a tap. */
export interface Tap {
  readonly target: TapTarget;
  readonly filter: TapFilter;
}

/** Reads a resource and the flags that all taps have; throws `config.invalid`. */
export async function readTap(
  resource: readonly string[],
  given: Given,
  world: World,
  headers: "with headers" | "without headers",
): Promise<Tap> {
  const target = readResource(resource.join("/"), "target", SOURCES);
  const to = readTo(given);
  const maxRps = readMaxRps(given.text("max-rps"));
  const namespace = await readTargetNamespace(given, world);
  return {
    target: place(target, namespace),
    filter: {
      selector: given.text("selector") ?? "",
      to: to === null
        ? null
        : place(to, textOf(given, "to-namespace") ?? namespace),
      maxRps,
      scheme: textOf(given, "scheme"),
      method: textOf(given, "method"),
      authority: textOf(given, "authority"),
      path: textOf(given, "path"),
      headers: headers === "with headers",
    },
  };
}

type Unplaced = Omit<TapTarget, "namespace">;

function readTo(given: Given): Unplaced | null {
  const to = textOf(given, "to");
  if (to !== null) return readResource(to, "destination", DESTINATIONS);
  const name = textOf(given, "to-namespace");
  return name === null ? null : { kind: "namespace", name };
}

function readResource(
  word: string,
  end: "target" | "destination",
  kinds: readonly string[],
): Unplaced {
  const { kind, name } = parse(word, end);
  if (kinds.includes(kind)) return { kind, name: name ?? null };
  throw new Problem(
    "config.invalid",
    `unsupported resource type [${kind}]`,
    { hint: `expected one of ${kinds.join(", ")}` },
  );
}

function parse(word: string, end: string) {
  try {
    return parseResource(word);
  } catch (thrown) {
    throw new Problem(
      "config.invalid",
      `${end} resource invalid: ${describe(thrown)}`,
      thrown instanceof Problem && thrown.hint !== undefined
        ? { hint: thrown.hint }
        : {},
    );
  }
}

/** A namespace is where it is; other things are in one. */
function place({ kind, name }: Unplaced, namespace: string): TapTarget {
  if (kind !== "namespace") return { kind, name, namespace };
  const itself = name ?? namespace;
  return { kind, name: itself, namespace: itself };
}

function readMaxRps(text: string | undefined): number {
  if (text === undefined) return MAX_RPS;
  const maxRps = /^\d+(\.\d+)?$/.test(text) ? Number(text) : 0;
  if (maxRps > 0) return maxRps;
  throw new Problem(
    "config.invalid",
    `--max-rps "${text}": expected requests a second, more than 0`,
  );
}

function textOf(given: Given, flag: string): string | null {
  return given.text(flag) || null;
}
