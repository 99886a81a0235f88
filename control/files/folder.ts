import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe } from "../../schemas/problem.ts";
import type { ObjectEvent } from "../source.ts";
import { createOwnership } from "./ownership.ts";
import { type Fault, parseFile, type Parts } from "./parse.ts";
import { conflictOf, type FileProblem, problemOf } from "./problems.ts";
import { isMissing, scanFolder, type Sighting } from "./scan.ts";

/**
 * How long a file must have been left alone before what is missing from it counts as removed. Editors empty a file and
 * then write it, or move the old one away and then put the new one there; what such a moment shows is no one's wish.
 */
export const SETTLE_MS = 20;

/** One manifest file; Kubernetes itself takes objects of 1.5 MB at most, and a file may well hold ten. */
const FILE_MAX_BYTES = 16 * 1024 * 1024;

/** What a look at the folder found. */
export interface Looked {
  readonly events: readonly ObjectEvent[];
  readonly problems: readonly FileProblem[];
  /** Something may still be under way: look again after `SETTLE_MS`. */
  readonly isMoving: boolean;
}

/** Numbers for metrics and the admin page. */
export interface FolderSizes {
  readonly files: number;
  readonly objects: number;
  /** Objects of kinds that the mesh has no use for. */
  readonly skipped: number;
}

/** The contents of a folder of manifests, as last read. */
export interface Folder {
  /** Reads what changed; `named` files are read even if they look the same. One call at a time. */
  readonly look: (named: ReadonlySet<string>, nowMs: number) => Promise<Looked>;
  readonly sizes: () => FolderSizes;
}

interface File {
  signature: string;
  parts: Parts;
  /** How many objects the last good state holds. */
  objects: number;
  skipped: number;
  fault: Fault | null;
  goneAtMs: number | null;
}

/** Opens a folder, of which nothing is read yet. */
export function createFolder(root: string): Folder {
  const files = new Map<string, File>();
  const ownership = createOwnership();
  let folderFault: FileProblem | null = null;

  async function look(
    named: ReadonlySet<string>,
    nowMs: number,
  ): Promise<Looked> {
    let sightings: ReadonlyMap<string, Sighting>;
    let isMoving = false;
    try {
      sightings = await scanFolder(root);
      folderFault = null;
    } catch (thrown) {
      // With the whole folder away, everything stays as it was.
      folderFault = folderProblem(root, thrown);
      return { events: [], problems: problems(isMoving), isMoving };
    }
    for (const [path, sighting] of sightings) {
      const file = files.get(path);
      const isKnown = file?.signature === sighting.signature &&
        file.goneAtMs === null && !named.has(path);
      if (!isKnown && await read(path, sighting, nowMs)) isMoving = true;
    }
    for (const [path, file] of files) {
      if (sightings.has(path)) continue;
      file.goneAtMs ??= nowMs;
      if (nowMs - file.goneAtMs < SETTLE_MS) isMoving = true;
      else {
        files.delete(path);
        ownership.set(path, []);
      }
    }
    return {
      events: ownership.settle(),
      problems: problems(isMoving),
      isMoving,
    };
  }

  /** Reads a file; true when it must be read again because it may not be complete. */
  async function read(
    path: string,
    sighting: Sighting,
    nowMs: number,
  ): Promise<boolean> {
    const file = files.get(path) ?? {
      signature: "",
      parts: new Map(),
      objects: 0,
      skipped: 0,
      fault: null,
      goneAtMs: null,
    };
    const text = await readText(join(root, path), sighting);
    if (text === null) return true;
    files.set(path, file);
    file.goneAtMs = null;
    if (typeof text !== "string") {
      file.fault = text;
      file.signature = sighting.signature;
      return false;
    }
    const { parts, whole } = parseFile(text, file.parts);
    // Either way: the clocks of files and of this machine need not agree.
    const isFresh = Math.abs(nowMs - sighting.modifiedAtMs) < SETTLE_MS;
    const isLess = whole.kind === "broken" ||
      whole.objects.length < file.objects;
    if (isFresh && isLess) {
      file.signature = "";
      return true;
    }
    file.signature = sighting.signature;
    file.parts = parts;
    if (whole.kind === "broken") {
      file.fault = whole.fault;
      return false;
    }
    file.fault = null;
    file.objects = whole.objects.length;
    file.skipped = whole.skipped;
    ownership.set(path, whole.objects);
    return false;
  }

  function problems(isMoving: boolean): FileProblem[] {
    const faults = [...files].flatMap(([path, { fault }]) =>
      fault === null ? [] : [problemOf(path, fault)]
    );
    // While a file may be on its way from one name to another, two claims to an object are to be expected.
    const conflicts = isMoving ? [] : ownership.conflicts().map(conflictOf);
    return [
      ...folderFault === null ? [] : [folderFault],
      ...faults,
      ...conflicts,
    ];
  }

  return {
    look,
    sizes: () => ({
      files: files.size,
      objects: ownership.size(),
      skipped: [...files.values()].reduce(
        (sum, { skipped }) => sum + skipped,
        0,
      ),
    }),
  };
}

/** The text of a file, why it cannot be read, or null when it has just vanished. */
async function readText(
  path: string,
  { bytes }: Sighting,
): Promise<string | Fault | null> {
  if (bytes > FILE_MAX_BYTES) {
    return unreadable(
      `${bytes} bytes, expected at most ${FILE_MAX_BYTES}`,
      "split the file",
    );
  }
  try {
    return await readFile(path, "utf8");
  } catch (thrown) {
    return isMissing(thrown) ? null : unreadable(describe(thrown), undefined);
  }
}

function unreadable(found: string, hint: string | undefined): Fault {
  return {
    code: "config.invalid",
    line: 0,
    field: "",
    message: `Cannot read manifest: ${found}`,
    hint,
  };
}

function folderProblem(root: string, thrown: unknown): FileProblem {
  return {
    file: "",
    code: "config.invalid",
    line: 0,
    field: "",
    message: `Cannot read the folder of manifests ${root}: ${describe(thrown)}`,
    hint: "what was read last stays in force until the folder is back",
  };
}
