import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { Problem } from "../../schemas/problem.ts";

/** A file as the file system sees it; another signature means other contents, the same one nearly always the same. */
export interface Sighting {
  readonly signature: string;
  readonly bytes: number;
  readonly modifiedAtMs: number;
}

/** Folders within folders; deeper ones are a link that leads back. */
const DEPTH_MAX = 16;

/** Manifests in one folder; more is a mistake such as pointing at the root of a disk. */
const FILES_MAX = 10_000;

/**
 * All manifests under a folder by their path in it, sorted. Names that begin with a dot are passed over: editors keep
 * their copies there, and so does Kubernetes for a mounted ConfigMap, whose visible files are links.
 */
export async function scanFolder(
  root: string,
): Promise<Map<string, Sighting>> {
  const found: [string, Sighting][] = [];
  async function visit(folder: string, depth: number): Promise<void> {
    for (const name of await namesIn(join(root, folder), depth > 0)) {
      if (name.startsWith(".")) continue;
      const path = join(folder, name);
      const seen = await look(join(root, path));
      if (seen === null) continue;
      if (seen.isDirectory()) {
        if (depth < DEPTH_MAX) await visit(path, depth + 1);
      } else if (isManifest(name) && seen.isFile()) {
        found.push([path, {
          signature: `${seen.dev} ${seen.ino} ${seen.size} ${seen.mtimeNs}`,
          bytes: Number(seen.size),
          modifiedAtMs: Number(seen.mtimeMs),
        }]);
      }
      if (found.length > FILES_MAX) {
        throw new Problem(
          "config.invalid",
          `Cannot watch ${root}: more than ${FILES_MAX} manifests in it`,
          { hint: "point at the folder that holds the mesh's manifests only" },
        );
      }
    }
  }
  await visit("", 0);
  return new Map(found.sort(([a], [b]) => a < b ? -1 : 1));
}

/** Whether the name is that of a manifest. */
export function isManifest(name: string): boolean {
  return /\.(ya?ml|json)$/.test(name);
}

async function namesIn(folder: string, mayVanish: boolean): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (thrown) {
    if (mayVanish && isMissing(thrown)) return [];
    throw thrown;
  }
}

/** Null for what has vanished since its folder was read, and for links that lead nowhere. */
async function look(path: string) {
  try {
    return await stat(path, { bigint: true });
  } catch (thrown) {
    if (isMissing(thrown)) return null;
    throw thrown;
  }
}

/** Whether the file system says that there is no such file. */
export function isMissing(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown &&
    (thrown.code === "ENOENT" || thrown.code === "ENOTDIR");
}
