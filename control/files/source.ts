import { stat } from "node:fs/promises";
import { describe, Problem } from "../../schemas/problem.ts";
import type { Log } from "../log.ts";
import type { Emit } from "../source.ts";
import { createFolder, type FolderSizes, SETTLE_MS } from "./folder.ts";
import { createProblems, type FileProblem } from "./problems.ts";
import { isManifest } from "./scan.ts";
import { watchFolder } from "./watch.ts";

/** A save is several notifications; the first look waits until there are no more for this long. */
const QUIET_MS = 10;

/** Notifications that never pause do not put off a look for longer than this. */
const QUIET_MAX_MS = 40;

/** A look without any notification, for file systems that send none. */
const RESCAN_MS = 10_000;

export interface FilesOptions {
  /** The folder of manifests. */
  readonly dir: string;
  readonly emit: Emit;
  readonly log: Log;
  /** Ends all watching. */
  readonly signal: AbortSignal;
  readonly rescanMs?: number;
}

/** A folder of Kubernetes manifests as the source of the world. */
export interface FilesSource {
  /** What is wrong in the folder now. */
  readonly problems: () => readonly FileProblem[];
  readonly sizes: () => FolderSizes;
}

/**
 * Reads a folder, emits all that is in it, and from then on what changes. Resolves when the first batch has been
 * emitted; throws `config.invalid` when there is no such folder.
 */
export async function openFilesSource(
  { dir, emit, log, signal, rescanMs = RESCAN_MS }: FilesOptions,
): Promise<FilesSource> {
  await requireFolder(dir);
  const folder = createFolder(dir);
  const problems = createProblems(log);
  const named = new Set<string>();
  let looking = Promise.resolve();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let firstNoticeAtMs: number | null = null;

  function lookAfter(delayMs: number): void {
    clearTimeout(timer);
    timer = setTimeout(() => {
      firstNoticeAtMs = null;
      looking = looking.then(look).catch((thrown) =>
        log.error(describe(thrown), { stage: "files" })
      );
    }, delayMs);
  }

  async function look(): Promise<void> {
    if (signal.aborted) return;
    const asked = new Set(named);
    named.clear();
    const looked = await folder.look(asked, Date.now());
    if (signal.aborted) return;
    if (looked.events.length > 0) emit(looked.events);
    problems.set(looked.problems);
    // A notice since then has set a timer that is as good.
    if (looked.isMoving && firstNoticeAtMs === null) lookAfter(SETTLE_MS);
  }

  const stopWatching = watchFolder(dir, log, rescanMs, (name) => {
    if (name !== null && isManifest(name)) named.add(name);
    const nowMs = Date.now();
    firstNoticeAtMs ??= nowMs;
    const leftMs = firstNoticeAtMs + QUIET_MAX_MS - nowMs;
    lookAfter(Math.max(0, Math.min(QUIET_MS, leftMs)));
  });
  signal.addEventListener("abort", () => {
    stopWatching();
    clearTimeout(timer);
  }, { once: true });

  looking = look();
  await looking;
  return { problems: problems.list, sizes: folder.sizes };
}

async function requireFolder(dir: string): Promise<void> {
  const found = await stat(dir).catch(() => null);
  if (found?.isDirectory()) return;
  throw new Problem(
    "config.invalid",
    `Cannot read manifests from "${dir}": ${
      found === null ? "there is no such folder" : "it is not a folder"
    }`,
    { hint: "create the folder, or name another one" },
  );
}
