import { type FSWatcher, statSync, watch } from "node:fs";
import { describe } from "../../schemas/problem.ts";
import type { Log } from "../log.ts";

/**
 * Tells when something happens anywhere under a folder, with its path in the folder where the system gives one, and
 * every `everyMs` in any case (with null). Returns the function that ends it.
 */
export function watchFolder(
  dir: string,
  log: Log,
  everyMs: number,
  onNotice: (path: string | null) => void,
): () => void {
  let watched = "";
  let watcher: FSWatcher | null = null;

  /** Watches the folder of that name, which may have been replaced by another one. */
  function arm(): void {
    const found = statSync(dir, { throwIfNoEntry: false });
    const identity = found === undefined ? "" : `${found.dev} ${found.ino}`;
    if (watcher !== null && identity === watched) return;
    watcher?.close();
    watcher = identity === "" ? null : open();
    watched = identity;
  }

  function open(): FSWatcher | null {
    try {
      const opened = watch(dir, { recursive: true }, (_, name) => {
        onNotice(name);
      });
      return opened.on("error", (thrown) => {
        log.warn(`Cannot watch ${dir}: ${describe(thrown)}`, {
          stage: "files",
          hint: `changes are seen every ${everyMs} ms meanwhile`,
        });
        opened.close();
        watched = "";
      });
    } catch (thrown) {
      log.warn(`Cannot watch ${dir}: ${describe(thrown)}`, {
        stage: "files",
        hint: "raise fs.inotify.max_user_watches if it has run out",
      });
      return null;
    }
  }

  arm();
  const timer = setInterval(() => {
    arm();
    onNotice(null);
  }, everyMs);
  return () => {
    clearInterval(timer);
    watcher?.close();
  };
}
