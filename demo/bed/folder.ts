import { type FSWatcher, watch } from "node:fs";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { parseAllDocuments, stringify } from "yaml";
import { Problem } from "../../schemas/problem.ts";
import type { KubeObject } from "./objects.ts";

/** A folder of manifests, one object to a file, that people may edit while a bed runs. */
export interface Folder {
  /** Everything in the folder; of a file that cannot be read, what it held last. */
  objects(): readonly KubeObject[];
  /** Writes an object's file in one step, so that readers see the old or the new. */
  write(object: KubeObject): Promise<void>;
  remove(object: KubeObject): Promise<void>;
  close(): void;
}

/** Opens an existing folder; `changed` is called after edits by others, `report` with what is wrong in a file. */
export function openFolder(
  path: string,
  changed: () => void,
  report: (problem: Problem) => void,
): Folder {
  const files = new Map<string, { text: string; objects: KubeObject[] }>();

  const reload = async (file: string): Promise<void> => {
    const text = await readFile(`${path}/${file}`, "utf8").catch(() => null);
    if (text === files.get(file)?.text) return;
    try {
      if (text === null) files.delete(file);
      else files.set(file, { text, objects: parseManifest(text, file) });
      changed();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      report(error);
    }
  };

  const watcher: FSWatcher = watch(path, (_event, file) => {
    if (file !== null && isManifest(file)) void reload(file);
  });

  return {
    objects: () => [...files.values()].flatMap((file) => file.objects),
    async write(object) {
      const file = formatFileName(object);
      const text = stringify(object);
      files.set(file, { text, objects: [object] });
      const draft = `${path}/.${file}.${crypto.randomUUID()}`;
      await writeFile(draft, text);
      await rename(draft, `${path}/${file}`);
    },
    async remove(object) {
      const file = formatFileName(object);
      files.delete(file);
      await rm(`${path}/${file}`, { force: true });
    },
    close: () => watcher.close(),
  };
}

/** `shop.service.catalog.yaml`: sorts by namespace, then by kind. */
export function formatFileName(object: KubeObject): string {
  const { namespace, name } = object.metadata;
  const kind = object.kind.toLowerCase();
  return [...(namespace === undefined ? [] : [namespace]), kind, name, "yaml"]
    .join(".");
}

/** The objects of a manifest's text; throws `manifest.invalid`. */
export function parseManifest(text: string, file: string): KubeObject[] {
  return parseAllDocuments(text).flatMap((document) => {
    const [error] = document.errors;
    const value: unknown = error === undefined ? document.toJS() : null;
    if (error === undefined && value === null) return [];
    if (isKubeObject(value)) return [value];
    throw new Problem(
      "manifest.invalid",
      `Cannot read ${file}: ${
        error?.message.split("\n")[0] ??
          "an object without kind or metadata.name"
      }, expected Kubernetes objects in YAML`,
    );
  });
}

function isManifest(file: string): boolean {
  return !file.startsWith(".") && /\.ya?ml$/.test(file);
}

function isKubeObject(value: unknown): value is KubeObject {
  const { kind, metadata } = (value ?? {}) as Partial<KubeObject>;
  return typeof kind === "string" && typeof metadata?.name === "string";
}
