import { rmSync } from "node:fs";
import { describe } from "../../schemas/problem.ts";
import { isRecent } from "./answers.ts";
import type { Log } from "./connector.ts";
import { readTold, type Told, writeTold } from "./snapshot-file.ts";

/** Where answers are kept. */
export interface DiskOptions {
  /** Where it outlives the process; null: nowhere. */
  readonly path: string | null;
  readonly now: () => number;
  readonly log: Log;
}

/** The place where answers outlive the process, or none. */
export interface Disk {
  /** What an earlier start has left, as far as it can be used; what cannot is told in one line. */
  load(): readonly Told[];
  write(): void;
  /** Together with what else is told until then. */
  writeSoon(): void;
  /** Writes what is still to be written. */
  close(): void;
}

/** What is told within this is written together. */
const WRITE_AFTER_MS = 250;

/** `answers` says what is to be written, each time that it is. */
export function createDisk(
  options: DiskOptions,
  answers: () => Iterable<Told>,
): Disk {
  const { path, log } = options;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let complaint = "";

  function write(): void {
    clearTimeout(timer);
    timer = undefined;
    if (path === null) return;
    try {
      writeTold(path, answers());
      complaint = "";
    } catch (error) {
      if (complaint === describe(error)) return; // said once
      complaint = describe(error);
      discard(path);
      log("warn", "Cannot keep what the control plane told", {
        path,
        error: complaint,
      });
    }
  }

  return {
    load: () => load(options),
    write,
    writeSoon() {
      timer ??= setTimeout(write, WRITE_AFTER_MS);
      timer.unref();
    },
    close() {
      if (timer !== undefined) write();
    },
  };
}

/** What cannot be replaced must not stay: it may permit what is forbidden by now. */
function discard(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // The folder is gone, or not ours: then a later start finds nothing there either.
  }
}

function load({ path, now, log }: DiskOptions): Told[] {
  if (path === null) return [];
  try {
    const all = readTold(path);
    const recent = all.filter((told) => isRecent(told, now()));
    if (recent.length < all.length) {
      log("warn", "Ignoring what the control plane told too long ago", {
        path,
        answers: all.length - recent.length,
      });
    }
    return recent;
  } catch (error) {
    log("warn", "Ignoring what the control plane told an earlier start", {
      path,
      error: describe(error),
    });
    return [];
  }
}
