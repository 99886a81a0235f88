import { readFile } from "node:fs/promises";
import { describe, Problem } from "../../schemas/problem.ts";
import { DEFAULT_VALUES, HA_OVERRIDES } from "../../schemas/values/defaults.ts";
import { isMap, mergeValues } from "../../schemas/values/merge.ts";
import type { Overrides } from "../../schemas/values.ts";
import type { World } from "../command.ts";
import type { Given } from "../flags.ts";
import { readSources } from "../manifest.ts";
import type { ValueFlag } from "./flag-readers.ts";
import { registryOverride } from "./proxy-flags.ts";
import { assign, type Assignment, parseSet, readTyped } from "./set.ts";

/**
 * Everything a command line says about values, each source over those before it, as Linkerd does: `base`, `--ha`,
 * flags of their own, `--values`, `--set`, `--set-string`, `--set-file`. Nothing has been checked yet.
 */
export async function gatherValues(
  given: Given,
  flags: readonly ValueFlag[],
  world: World,
  base: Overrides = DEFAULT_VALUES,
): Promise<Overrides> {
  let values = base;
  if (given.on("ha")) values = mergeValues(values, HA_OVERRIDES);
  const registry = world.env["LINKERD_DOCKER_REGISTRY"];
  if (registry) values = mergeValues(values, registryOverride(registry));
  for (const { name, override } of flags) {
    if (given.has(name)) {
      values = mergeValues(values, override(given.list(name)));
    }
  }
  for (const name of given.list("values")) {
    for (const { text } of await readSources(name, world)) {
      values = mergeValues(values, await parseFile(text, name));
    }
  }
  for (const text of given.list("set")) {
    values = parseSet(text, readTyped).reduce(assign, values);
  }
  for (const text of given.list("set-string")) {
    values = parseSet(text, (raw) => raw).reduce(assign, values);
  }
  for (const text of given.list("set-file")) {
    for (const assignment of parseSet(text, (raw) => raw)) {
      values = assign(values, await withFile(assignment));
    }
  }
  return values;
}

async function parseFile(text: string, name: string): Promise<Overrides> {
  const { parseDocument } = await import("yaml");
  // Merge keys and 1.1 words: what Helm's own parser understands.
  const document = parseDocument(text, { version: "1.1" });
  const [error] = document.errors;
  if (error !== undefined) {
    throw new Problem(
      "config.invalid",
      `Cannot read values of ${name}: ${error.message}`,
    );
  }
  const values: unknown = document.toJS() ?? {};
  if (isMap(values)) return values;
  throw new Problem(
    "config.invalid",
    `Cannot read values of ${name}: expected a map of keys`,
  );
}

async function withFile({ path, value }: Assignment): Promise<Assignment> {
  try {
    return { path, value: await readFile(String(value), "utf8") };
  } catch (cause) {
    throw new Problem(
      "config.invalid",
      `Cannot read --set-file "${value}": ${describe(cause)}`,
      { cause },
    );
  }
}
