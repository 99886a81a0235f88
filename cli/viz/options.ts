import { parseGoDuration } from "../../schemas/go-duration.ts";
import { describe, Problem } from "../../schemas/problem.ts";
import type { World } from "../command.ts";
import type { Given } from "../flags.ts";
import { checkNamespace } from "../profile/document.ts";

/** What Linkerd's metrics can be about at least. */
const MIN_WINDOW_MS = 15_000;

/** The words of a command that needs some: `count` says so as Linkerd does. Throws `config.invalid` without any. */
export function needWords(
  { words }: Given,
  count: string,
  expected: string,
): readonly string[] {
  if (words.length > 0) return words;
  throw new Problem("config.invalid", count, { hint: `expected ${expected}` });
}

/** Milliseconds of `--time-window`; throws `config.invalid`. */
export function readWindow(given: Given): number {
  const windowMs = readDuration(given, "time-window", "1m");
  if (windowMs >= MIN_WINDOW_MS) return windowMs;
  throw new Problem(
    "config.invalid",
    "metrics time window needs to be at least 15s",
  );
}

/** Milliseconds of a flag, written as Go does: `90s`, `1m30s`. Throws `config.invalid`. */
export function readDuration(
  given: Given,
  flag: string,
  otherwise: string,
): number {
  const text = given.text(flag) ?? otherwise;
  try {
    return parseGoDuration(text);
  } catch (error) {
    throw new Problem(
      "config.invalid",
      `invalid argument "${text}" for "--${flag}": ${describe(error)}`,
    );
  }
}

/** One of these formats, the first when none is asked for; throws `config.invalid`. */
export function readFormat<const F extends string>(
  given: Given,
  formats: readonly [F, ...F[]],
): F {
  const text = given.text("output");
  if (text === undefined || text === "") return formats[0];
  const found = formats.find((format) => format === text);
  if (found !== undefined) return found;
  throw new Problem(
    "config.invalid",
    `--output supports ${formats.slice(0, -1).join(", ")} and ${
      formats.at(-1)
    }, not "${text}"`,
  );
}

/** The same as `readTargetNamespace`, or undefined with `--all-namespaces`. Throws `config.invalid`. */
export async function readScope(
  given: Given,
  world: World,
): Promise<string | undefined> {
  if (!given.on("all-namespaces")) {
    return await readTargetNamespace(given, world);
  }
  if (!given.text("namespace")) return undefined;
  throw new Problem(
    "config.invalid",
    "--all-namespaces and --namespace flags are mutually exclusive",
  );
}

/** The namespace to ask about: as for kubectl, an empty one is that of the kubeconfig's context. Throws `config.invalid`. */
export async function readTargetNamespace(
  given: Given,
  world: World,
): Promise<string> {
  const namespace = given.text("namespace");
  if (namespace) return checkNamespace(namespace);
  if (given.text("api-addr")) return "default";
  const { openCluster } = await import("../cluster/open.ts");
  return (await openCluster(given, world)).namespace;
}
