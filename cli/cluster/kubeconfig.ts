import { readFile } from "node:fs/promises";
import { dirname, isAbsolute, join } from "node:path";
import { parse } from "yaml";
import { describe, Problem } from "../../schemas/problem.ts";
import { isMap } from "../../schemas/values/merge.ts";

/** A map of a kubeconfig, and the folder that its relative paths start from. */
export interface Entry {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly folder: string;
}

/** Kubeconfig files as one: the first file that says something is believed, as kubectl believes it. */
export interface Kubeconfig {
  /** For messages: the files that were read. */
  readonly files: readonly string[];
  readonly currentContext: string | undefined;
  readonly clusters: ReadonlyMap<string, Entry>;
  readonly contexts: ReadonlyMap<string, Entry>;
  readonly users: ReadonlyMap<string, Entry>;
}

/** Reads kubeconfig files, leaving out those that are not there. Throws `config.invalid` on one that cannot be read. */
export async function readKubeconfigs(
  paths: readonly string[],
): Promise<Kubeconfig> {
  const files: string[] = [];
  const clusters = new Map<string, Entry>();
  const contexts = new Map<string, Entry>();
  const users = new Map<string, Entry>();
  let currentContext: string | undefined;
  for (const path of paths) {
    const config = await readOne(path);
    if (config === undefined) continue;
    files.push(path);
    currentContext ??= textOf(config, "current-context");
    const folder = dirname(path);
    addEntries(clusters, config["clusters"], "cluster", folder);
    addEntries(contexts, config["contexts"], "context", folder);
    addEntries(users, config["users"], "user", folder);
  }
  return { files, currentContext, clusters, contexts, users };
}

/** A text of a map; an empty one says nothing. Throws `config.invalid` on anything else. */
export function textOf(
  fields: Readonly<Record<string, unknown>>,
  key: string,
): string | undefined {
  const value = fields[key];
  if (value === undefined || value === null || value === "") return undefined;
  if (typeof value === "string") return value;
  throw new Problem(
    "config.invalid",
    `Cannot use the kubeconfig: ${key} is ${
      JSON.stringify(value)
    }, expected text`,
  );
}

/** A file or its content in base64, as kubeconfigs give certificates and keys: the content wins. */
export async function dataOf(
  { fields, folder }: Entry,
  key: string,
): Promise<string | undefined> {
  const data = textOf(fields, `${key}-data`);
  if (data !== undefined) {
    return new TextDecoder().decode(
      Uint8Array.from(atob(data), (character) => character.charCodeAt(0)),
    );
  }
  const path = textOf(fields, key);
  return path === undefined ? undefined : await readNamed(path, folder, key);
}

/** Text of a file that a kubeconfig names. Throws `config.invalid` when it cannot be read. */
export async function readNamed(
  path: string,
  folder: string,
  key: string,
): Promise<string> {
  const file = isAbsolute(path) ? path : join(folder, path);
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw new Problem(
      "config.invalid",
      `Cannot read ${key} of the kubeconfig: ${describe(cause)}`,
      { cause },
    );
  }
}

async function readOne(
  path: string,
): Promise<Record<string, unknown> | undefined> {
  try {
    const config: unknown = parse(await readFile(path, "utf8")) ?? {};
    if (isMap(config)) return config;
  } catch (cause) {
    if (isMissing(cause)) return undefined;
    throw new Problem(
      "config.invalid",
      `Cannot read kubeconfig ${path}: ${describe(cause)}`,
      { cause },
    );
  }
  throw new Problem(
    "config.invalid",
    `Cannot read kubeconfig ${path}: expected a map with clusters, contexts and users`,
  );
}

/** Whether a file is not there at all, which is no error among several. */
export function isMissing(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown &&
    thrown.code === "ENOENT";
}

function addEntries(
  to: Map<string, Entry>,
  list: unknown,
  kind: string,
  folder: string,
): void {
  for (const item of Array.isArray(list) ? list : []) {
    if (!isMap(item)) continue;
    const { name, [kind]: fields } = item;
    if (typeof name !== "string" || to.has(name)) continue;
    to.set(name, { fields: isMap(fields) ? fields : {}, folder });
  }
}
